"""A real browser driven through chromedriver's WebDriver protocol, with nothing but the standard library."""

import json
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Left": "\ue012", "Up": "\ue013", "Right": "\ue014", "Down": "\ue015"}


class Browser:
    """A headless Chromium through chromedriver."""

    def __init__(self, url, binary, profile):
        self.url = url
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
        arguments += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
        options = {"binary": binary, "args": [*arguments, f"--user-data-dir={profile}"]}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
        self.url += "/session/" + self._send("/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        self._send("/url", {"url": "about:blank"})  # instead of its own start page

    def _send(self, path, body=None, method="POST"):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def open(self, path):
        self.log("browser"), self.log("performance")
        self._send("/url", {"url": path.as_uri()})

    def run(self, script, *arguments):
        return self._send("/execute/sync", {"script": script, "args": list(arguments)})

    def click(self, selector):
        found = self._send("/element", {"using": "css selector", "value": selector})
        self._send(f"/element/{found[ELEMENT]}/click", {})

    def press(self, *keys):
        strokes = [{"type": kind, "value": KEYS[key]} for key in keys for kind in ("keyDown", "keyUp")]
        self._send("/actions", {"actions": [{"type": "key", "id": "keys", "actions": strokes}]})

    def log(self, kind):
        return self._send("/se/log", {"type": kind})

    def resize(self, width, height):
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._send("/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": metrics})

    def close(self):
        self._send("", method="DELETE")
