/** Characters that turn the direction of text, or that nobody sees. */
const INVISIBLE =
  /\u034f|\u200d|[\u00ad\u061c\u180e\ufeff\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f]/u

/** Whether a link may mislead: its text names another host, or its host is not what it looks like (UI-2005). */
export function isSuspicious(target: string, text: string): boolean {
  const url = URL.parse(target)
  if (url === null) return true
  if (INVISIBLE.test(text) || /(^|\.)xn--/.test(url.hostname)) return true
  const said = /^\s*(?:https?:\/\/)?((?:[\w-]+\.)+[a-z]{2,})(?::\d+)?(?:[/?#]\S*)?\s*$/i.exec(text)?.[1]
  // A name of a file looks like a host as well: only what begins like an address, or like `www`, is taken for one.
  if (said === undefined || !/^\s*(https?:\/\/|www\.)/i.test(text)) return false
  const plain = (host: string) => host.toLowerCase().replace(/^www\./, '')
  return plain(said) !== plain(url.hostname)
}
