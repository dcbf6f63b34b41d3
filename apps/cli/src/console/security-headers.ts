import type { ServerResponse } from "node:http";

/** Where the page may connect to, beside its own origin. */
export interface PageTargets {
  readonly gatewayUrl: string | null;
  readonly indexerUrl: string | null;
  readonly rpcUrl: string | null;
}

/**
 * Names of models and providers are strangers' texts. Should one ever be run or rendered as more, it can load nothing,
 * send nothing elsewhere and be framed by nobody (https://www.w3.org/TR/CSP3/).
 */
export function contentSecurityPolicy(targets: PageTargets): string {
  const urls = [targets.gatewayUrl, targets.indexerUrl, targets.rpcUrl];
  const origins = new Set(urls.flatMap((url) => (url === null ? [] : [new URL(url).origin])));
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    `connect-src ${["'self'", ...origins].join(" ")}`,
    "worker-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

const UNUSED = [
  "accelerometer",
  "camera",
  "display-capture",
  "geolocation",
  "gyroscope",
  "microphone",
  "payment",
  "usb",
];

export function setSecurityHeaders(response: ServerResponse, policy: string): void {
  response.setHeader("content-security-policy", policy);
  response.setHeader("x-content-type-options", "nosniff");
  response.setHeader("referrer-policy", "no-referrer");
  response.setHeader("cross-origin-opener-policy", "same-origin");
  response.setHeader("cross-origin-resource-policy", "same-origin");
  response.setHeader("permissions-policy", UNUSED.map((feature) => `${feature}=()`).join(", "));
}
