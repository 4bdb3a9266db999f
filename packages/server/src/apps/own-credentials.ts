import { isSessionCookie } from '../edge/index.ts'

/** Shape of keys of this deployment (ID-38); others are never ours, so that nobody looks them up. */
const KEY = /^[A-Za-z0-9]{10}-[A-Za-z0-9]{22}$/

/** The key of ours that an `Authorization` header may carry; undefined when it is for the app. */
export function bearerKey(authorization: string | undefined): string | undefined {
  const [, token = ''] = /^(?:bearer|dpop)\s+(\S+)\s*$/i.exec(authorization ?? '') ?? []
  return KEY.test(token) ? token : undefined
}

/** The key of ours that the query parameter `access_token` may carry; undefined when it is for the app. */
export function queryKey(search: URLSearchParams): string | undefined {
  const token = search.get('access_token')?.trim() ?? ''
  return KEY.test(token) ? token : undefined
}

/** A path with its query as it was sent, but without the parameters of these names. */
export function withoutParameters(target: string, names: ReadonlySet<string>): string {
  const at = target.indexOf('?')
  if (at < 0) return target
  const pairs = target.slice(at + 1).split('&')
  const kept = pairs.filter((pair) => !names.has(nameOf(pair)))
  if (kept.length === pairs.length) return target
  return kept.length === 0 ? target.slice(0, at) : `${target.slice(0, at)}?${kept.join('&')}`
}

function nameOf(pair: string): string {
  const [name = ''] = new URLSearchParams(pair).keys()
  return name
}

/** Cookies that an app may set: none that would sign its visitors in as somebody else. */
export function foreignCookies(lines: readonly string[]): string[] {
  return lines.filter((line) => !isSessionCookie(line.split('=', 1)[0]?.trim() ?? ''))
}
