import type { Logger } from '@slipway/request-log'
import { appHost } from '../apps/index.ts'
import type { Config } from '../config/index.ts'
import type { RequestContext } from '../edge/index.ts'

/** The security headers of a page of the dashboard for one request, whose path is given (ID-134…ID-136). */
export type PageHeaders = (
  request: Pick<RequestContext, 'host' | 'scheme'>,
  path: string,
) => Record<string, string>

type PolicyConfig = Pick<
  Config,
  'additionalCspPolicy' | 'strictTransportSecurity' | 'strictTransportSecurityOptions' | 'wildcardAccessUrl'
>
type Policy = ReadonlyMap<string, readonly string[]>

const SELF = "'self'"
/** Scripts come from our own files only; styles may be inline, which terminals need. */
const BASE: Policy = new Map([
  ['default-src', [SELF]],
  ['script-src', [SELF]],
  ['style-src', [SELF, "'unsafe-inline'"]],
  ['img-src', [SELF, 'https:', 'data:', 'blob:']],
  ['font-src', [SELF, 'data:']],
  ['media-src', [SELF]],
  ['connect-src', [SELF]],
  ['child-src', [SELF]],
  ['frame-src', [SELF]],
  ['worker-src', [SELF, 'blob:']],
  ['manifest-src', [SELF, 'blob:']],
  ['object-src', ["'none'"]],
  ['base-uri', [SELF]],
  ['form-action', [SELF]],
  ['frame-ancestors', [SELF]],
  ['report-uri', ['/api/v2/csp/reports']],
])
/** Host with an optional port: what may stand in a policy without ending its directive. */
const HOST = /^(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i
/** Chats are embedded in programs whose pages have schemes of their own, which no list of ancestors can name (ID-135). */
const EMBEDDED = /^\/agents\/[^/]+\/embed(?:\/|$)/
const PERMISSIONS = [
  'accelerometer',
  'autoplay',
  'battery',
  'camera',
  'display-capture',
  'geolocation',
  'gyroscope',
  'magnetometer',
  'midi',
  'payment',
  'usb',
  'vr',
  'screen-wake-lock',
  'xr-spatial-tracking',
]

/**
 * Prepares the headers. What operators add to the policy is appended, except `frame-ancestors`, which takes
 * the place of ours; entries that name no directive are logged and left out.
 */
export function pageHeaders({
  config,
  log,
  accessUrl,
}: {
  readonly config: PolicyConfig
  readonly log: Logger
  readonly accessUrl: () => string
}): PageHeaders {
  const policy = new Map(BASE)
  for (const entry of config.additionalCspPolicy) {
    const [directive = '', ...values] = entry.trim().split(/\s+/)
    if (!/^[a-z][a-z-]*$/.test(directive) || values.length === 0 || /[;,]/.test(entry)) {
      log.warn('an entry of --additional-csp-policy is left out: write a directive and its values', { entry })
      continue
    }
    const before = directive === 'frame-ancestors' ? [] : (policy.get(directive) ?? [])
    policy.set(directive, [...before, ...values])
  }
  const fixed = {
    'Referrer-Policy': 'no-referrer',
    'Permissions-Policy': [...PERMISSIONS.map((feature) => `${feature}=()`), 'microphone=(self)'].join(', '),
    ...strictTransport(config.strictTransportSecurity, config.strictTransportSecurityOptions),
  }
  const embeddable = new Map(policy)
  if (policy.get('frame-ancestors') === BASE.get('frame-ancestors')) embeddable.delete('frame-ancestors')
  return ({ host, scheme }, path) => ({
    ...fixed,
    'Content-Security-Policy': render(
      EMBEDDED.test(path) ? embeddable : policy,
      hostsOf(host, scheme, appHost(config.wildcardAccessUrl, accessUrl())),
    ),
  })
}

/** What a page reaches beside its own origin: its own WebSockets, which not all browsers count as `self`, and apps. */
function hostsOf(host: string, scheme: 'http' | 'https', wildcard: string): Record<string, string[]> {
  // A policy knows a star only for whole labels: `*--apps.example.com` is in `*.example.com` (AC-182, CSP 3 §2.3.1).
  const apps = wildcard === '' ? [] : [`${scheme}://${wildcard.replace(/^\*[^.]*/, '*')}`]
  // The client says which host it asked for: nothing else of it may reach the policy.
  const sockets = HOST.test(host) ? [`${scheme === 'https' ? 'wss' : 'ws'}://${host}`] : []
  return { 'connect-src': [...sockets, ...apps], 'frame-src': apps }
}

function render(policy: Policy, extra: Readonly<Record<string, readonly string[]>>): string {
  return [...policy]
    .map(([directive, values]) => [directive, ...values, ...(extra[directive] ?? [])].join(' '))
    .join('; ')
}

function strictTransport(seconds: number, options: readonly string[]): Record<string, string> {
  return seconds <= 0 ? {} : { 'Strict-Transport-Security': [`max-age=${seconds}`, ...options].join('; ') }
}
