"""The headers that confine the page to its own origin, and isolate it."""

from __future__ import annotations

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'wasm-unsafe-eval'",  # Compiling Wasm; never eval.
        "worker-src 'self'",
        "connect-src 'self'",
        "img-src 'self' blob: data:",
        "style-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'none'",
    )
)
# The worker for a visitor's own scripts, which may need NumPy, may take it from Pyodide's CDN.
SCRIPT_WORKER = "python.worker.js"
SCRIPT_WORKER_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY.replace(
        "connect-src 'self'", "connect-src 'self' https://cdn.jsdelivr.net"
    )
}
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# Together they make the page cross-origin isolated, which shared memory, and so threads, need.
ISOLATION_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}
# Python in other pages may install our wheel: the index and the wheel are for every origin.
SHARED_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
