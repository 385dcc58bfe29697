import Testing

/// Pages as a person sees and uses them, in a real browser. One after another: a browser is heavy.
@Suite(
    .serialized,
    .enabled(if: Chromium.isThere, "needs \(Chromium.program) and \(Chromium.driver): apt-get install chromium chromium-driver"))
enum InBrowser {}
