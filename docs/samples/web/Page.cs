namespace Web;

internal static class Page
{
    internal const string Html = """
        <!doctype html>
        <meta charset="utf-8">
        <title>Mood.Event</title>
        <h1>A WebSocket on a loop</h1>
        <form><input id="text" value="hello"> <button>send</button></form>
        <ul id="answers"></ul>
        <script>
          const socket = new WebSocket(location.origin.replace("http", "ws") + "/echo");
          socket.onmessage = e => answers.append(Object.assign(document.createElement("li"), { textContent: e.data }));
          socket.onopen = () => socket.send("connected");
          document.forms[0].onsubmit = e => { e.preventDefault(); socket.send(text.value); };
        </script>
        """;
}
