import { readFileSync } from 'node:fs'
import { defineConfig } from 'vitepress'

// tests/Mood.Event.Site makes sidebar.json and pages/, copies this directory beside them and runs VitePress there.
const sidebar = JSON.parse(readFileSync(new URL('sidebar.json', import.meta.url), 'utf8'))

export default defineConfig({
  title: 'Mood.Event',
  description: 'libev for .NET: an event loop for timers, sockets, signals, child processes and files',
  base: process.env.SITE_BASE || '/',
  srcDir: 'pages',
  outDir: 'site',
  cacheDir: '.vitepress/cache',
  head: [['link', { rel: 'icon', type: 'image/png', href: `${process.env.SITE_BASE || '/'}icon.png` }]],
  markdown: {
    html: false, // a < in a page is shown as <
    // the anchors of GitHub
    anchor: { slugify: text => text.trim().toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-') }
  },
  vite: { build: { chunkSizeWarningLimit: 2000 } }, // the index of the search
  themeConfig: {
    logo: '/icon.png',
    nav: [
      { text: 'Guide', link: '/guide/getting-started' },
      { text: 'Reference', link: '/reference/', activeMatch: '^/reference/(?!api/)' },
      { text: 'API', link: '/reference/api/', activeMatch: '^/reference/api/' },
      { text: 'Changelog', link: '/changelog' }
    ],
    sidebar,
    outline: [2, 3],
    search: {
      provider: 'local',
      options: {
        // In the results, the reference of a thing comes first, and its declarations and sources come last.
        miniSearch: {
          searchOptions: {
            boostDocument: id => /\/(api|source|samples|design)\/|\/benchmarks/.test(id) ? 0.2 : /\/reference\//.test(id) ? 2 : 1
          }
        }
      }
    }
  }
})
