import type { AppTarget } from '../../workspaces/app-target.ts'

/** How what an app's button leads to is shown beside a chat. */
export type Framing =
  | { readonly kind: 'frame'; readonly url: string }
  /** Only in a tab of its own. */
  | { readonly kind: 'elsewhere'; readonly href: string; readonly reason: string }
  | { readonly kind: 'none'; readonly reason: string }

/**
 * Whether an address of a workspace may be shown in a frame (UI-1145, UI-2007): only one with a host name of its own. What
 * shares the origin of the dashboard could act in it as the viewer; what is on another site gets no cookies in a frame, so
 * that its sign-in would go round in circles; and addresses of the template's own choice are nobody's that we know.
 *
 * @param appHost the wildcard host of apps, such as `*.apps.example.com`.
 */
export function framingOf(target: AppTarget, page: URL, appHost: string): Framing {
  if (target.kind === 'none') return target
  if (target.kind !== 'link') return { kind: 'none', reason: 'It opens a program and not a page.' }
  const url = new URL(target.href, page)
  if (url.origin === page.origin)
    return {
      kind: 'elsewhere',
      href: url.href,
      reason:
        'It is served under the address of the dashboard, and could act there as you. With a host name of its own (subdomain = true in the template) it would show here.',
    }
  if (appHost === '' || !url.host.endsWith(appHost.slice(1).toLowerCase()))
    return { kind: 'elsewhere', href: url.href, reason: `It leads out of the workspace, to ${url.host}.` }
  if (!areOneSite(url.hostname, page.hostname) || url.protocol !== page.protocol)
    return {
      kind: 'elsewhere',
      href: url.href,
      reason: `It is on another site, ${url.hostname}, to which browsers bring no sign-in inside of a frame.`,
    }
  return { kind: 'frame', url: url.href }
}

/**
 * Whether cookies of one host are sent to the other in a frame. Without a list of all registries: two labels at least have
 * to be the same, which `a.example.com` and `b.example.com` have, and `localhost` or addresses of machines have not.
 */
function areOneSite(one: string, other: string): boolean {
  const [a, b] = [one, other].map((host) => host.toLowerCase().split('.').slice(-2))
  return a !== undefined && a.length === 2 && a.join('.') === b?.join('.') && !/^\d+$/.test(a[1] ?? '')
}

/**
 * An address that somebody has typed over a frame: a path, or an address of the same app. Undefined for anything else.
 */
export function addressWithin(typed: string, base: string): string | undefined {
  const url = URL.parse(typed.trim(), base)
  return url !== null && url.origin === new URL(base).origin ? url.href : undefined
}
