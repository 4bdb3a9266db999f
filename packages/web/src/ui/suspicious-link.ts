import { hasHiddenCharacters } from './hidden-characters.ts'

/** What looks like an address inside of a text. */
const ADDRESS = /(?:https?:\/\/|www\.)[^\s<>"'`*]+/gi
/** A text that is nothing but a host, with a path or without. */
const HOST = /^((?:[\w-]+\.)+([a-z]{2,}))(?::\d+)?(?:[/?#]\S*)?$/i
/** Endings of hosts that no file has. What else looks like a host may be the name of a file, as `main.go`. */
const PLAIN_ENDINGS = new Set('com org net edu gov io dev app ai cloud'.split(' '))

/**
 * Whether a link may mislead: its text names another host, its host is not what it looks like, or a name stands
 * before its host (UI-2005).
 *
 * @param text what the reader sees of the link
 */
export function isSuspicious(target: string, text: string): boolean {
  const url = URL.parse(target)
  if (url === null) return true
  if (hasHiddenCharacters(text) || /(^|\.)xn--/.test(url.hostname)) return true
  if (url.protocol !== 'mailto:' && (url.username !== '' || url.password !== '')) return true
  return saidHosts(text).some((host) => host === undefined || plain(host) !== plain(url.hostname))
}

/** Hosts that a text names; undefined for one that is none. */
function saidHosts(text: string): readonly (string | undefined)[] {
  const addresses = text.match(ADDRESS) ?? []
  if (addresses.length > 0)
    return addresses.map((address) => URL.parse(address.replace(/^www\./i, 'https://www.'))?.hostname)
  const [, host, ending = ''] = HOST.exec(text.replace(/[*_`~]/g, '').trim()) ?? []
  return host !== undefined && PLAIN_ENDINGS.has(ending.toLowerCase()) ? [host] : []
}

const plain = (host: string) => host.toLowerCase().replace(/^www\./, '')
