// Checks the site: every internal link and anchor resolves, no page is wider than a phone or a desktop window or writes an error to the
// console, and the search finds Timer. Usage: node check.mjs DIRECTORY [SCREENSHOTS]
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, posix } from 'node:path'
import { chromium } from 'playwright-core'

const [site, screenshots] = process.argv.slice(2)
const widths = { phone: 390, desktop: 1280 }
const base = process.env.SITE_BASE || '/'
const faults = []
const files = readdirSync(site, { recursive: true }).map(f => f.replaceAll('\\', '/'))
const pages = files.filter(f => f.endsWith('.html') && f !== '404.html')
const text = new Map(pages.map(page => [page, readFileSync(join(site, page), 'utf8')]))
const decode = value => decodeURIComponent(value.replaceAll('&amp;', '&'))
const ids = new Map([...text].map(([page, html]) => [page, new Set([...html.matchAll(/ id="([^"]+)"/g)].map(m => decode(m[1])))]))

let links = 0
for (const [page, html] of text) {
  for (const [, link] of html.matchAll(/ (?:href|src)="([^"]*)"/g)) {
    if (/^(https?:|mailto:|data:)/.test(link)) continue
    links++
    const [path, anchor] = decode(link).split('#')
    if (path.startsWith('/') && !path.startsWith(base)) faults.push(`${page}: ${link} is outside ${base}`)
    let target = path === '' ? page : path.startsWith('/') ? posix.join('.', path.slice(base.length)) : posix.join(posix.dirname(page), path)
    if (target === '.' || target.endsWith('/')) target = posix.join(target, 'index.html')
    if (!existsSync(join(site, target)) && existsSync(join(site, target + '.html'))) target += '.html'
    if (!existsSync(join(site, target)) || statSync(join(site, target)).isDirectory()) faults.push(`${page}: ${link} leads nowhere`)
    else if (anchor && ids.has(target) && !ids.get(target).has(anchor)) faults.push(`${page}: ${link} has no such anchor`)
  }
}

const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.png': 'image/png', '.woff2': 'font/woff2' }
const server = createServer((request, response) => {
  let path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname)
  if (path.endsWith('/')) path += 'index.html'
  const file = join(site, path.slice(base.length))
  if (!path.startsWith(base) || !existsSync(file)) return response.writeHead(404).end()
  response.writeHead(200, { 'Content-Type': types[extname(file)] ?? 'application/octet-stream' }).end(readFileSync(file))
})
await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
const origin = `http://127.0.0.1:${server.address().port}${base}`

const executablePath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(p => p && existsSync(p))
if (!executablePath) throw new Error('check.mjs: Chromium is not installed. Install it, or set CHROMIUM to its path.')
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
const tab = await browser.newPage()
let where = ''
tab.on('console', message => message.type() === 'error' && faults.push(`${where}: console: ${message.text()}`))
tab.on('pageerror', error => faults.push(`${where}: ${error.message}`))
tab.on('response', response => response.status() >= 400 && faults.push(`${where}: ${response.url()}: ${response.status()}`))

const resize = width => tab.setViewportSize({ width, height: 844 })
const picture = name => screenshots && tab.screenshot({ path: join(screenshots, `${name}.png`) })

// Tries three times, because a navigation may fail or time out on a busy machine.
async function open(address, waitUntil) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await tab.goto(address, { waitUntil, timeout: 60_000 })
    } catch (error) {
      if (attempt === 3) throw error
      console.log(`${where}: once more, after ${error.message.split('\n')[0]}`)
    }
  }
}

for (const page of pages) {
  where = page
  await resize(widths.phone)
  await open(origin + page, 'load')
  for (const [name, width] of Object.entries(widths)) {
    if (name !== 'phone') await resize(width)
    const wide = await tab.evaluate(() => {
      const limit = document.documentElement.clientWidth
      if (document.documentElement.scrollWidth <= limit) return ''
      const guilty = [...document.querySelectorAll('body *')].find(e => !e.closest('pre, table') && e.getBoundingClientRect().right > limit)
      return `${document.documentElement.scrollWidth} wide, at ${guilty?.outerHTML.slice(0, 100)}`
    })
    if (wide) faults.push(`${page}: at ${width} pixels it is ${wide}`)
    await picture(`${page.replaceAll('/', '-')}-${name}`)
  }
}

for (const [name, width] of Object.entries(widths)) {
  where = `search at ${width}`
  await resize(width)
  await open(origin, 'networkidle')
  await tab.click('#local-search button')
  await tab.fill('.VPLocalSearchBox input', 'Timer')
  const first = tab.locator('.VPLocalSearchBox .result').first()
  await first.waitFor({ timeout: 30_000 })
  await picture(`search-${name}`)
  await first.click()
  await tab.waitForURL(/\/reference\/timer\.html/, { timeout: 30_000 }).catch(() => faults.push(`${where}: Timer leads to ${tab.url()}`))

  await open(origin, 'networkidle')
  await tab.emulateMedia({ colorScheme: 'dark' })
  await tab.waitForFunction(() => document.documentElement.classList.contains('dark'), null, { timeout: 30_000 })
    .catch(() => faults.push(`${where}: it does not turn dark`))
  await picture(`dark-${name}`)
  await tab.emulateMedia({ colorScheme: 'light' })
}

await browser.close()
server.close()
faults.forEach(fault => console.error(`FAILED ${fault}`))
console.log(`${pages.length} pages, ${links} links, ${faults.length} faults`)
process.exitCode = faults.length > 0 || pages.length < 100 ? 1 : 0
