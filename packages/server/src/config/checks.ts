import { isIP } from 'node:net'

import { LinearRegExp } from '../linear-regexp/index.ts'
import { parseDailySchedule } from './daily-schedule.ts'
import { parseHostPort } from './host-port.ts'

/** Whether the text is an address range such as `10.0.0.0/8` (ID-103). */
export function cidr(text: string): string | undefined {
  const [address = '', bits = '', ...rest] = text.split('/')
  const width = { 4: 32, 6: 128 }[isIP(address)]
  return width !== undefined && /^\d{1,3}$/.test(bits) && Number(bits) <= width && rest.length === 0
    ? undefined
    : 'must be address ranges such as 10.0.0.0/8'
}

/** Whether the text is the origin of a page, as browsers write it, such as `https://client.example` (RFC 6454). */
export function origin(text: string): string | undefined {
  return URL.canParse(text) && /^https?:/i.test(text) && new URL(text).origin === text
    ? undefined
    : 'must be origins in lower case and without a path, such as https://client.example'
}

/** Whether the text is a wildcard host such as `*.apps.example.com` or `*--apps.example.com:8443` (OP-22). */
export function wildcardHost(text: string): string | undefined {
  if (text === '') return undefined
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return 'must not have a scheme: write *.apps.example.com'
  if (!text.startsWith('*') || text.indexOf('*', 1) !== -1)
    return 'must hold one * at the start, such as *.apps.example.com'
  const [host = '', port, ...rest] = text.slice(1).split(':')
  if (rest.length > 0 || (port !== undefined && parseHostPort(`x:${port}`) === undefined))
    return 'must end with a host or a port'
  const labels = host.split('.')
  const tail = labels.slice(1)
  if (tail.length < 1 || !labels.slice(0, 1).every((label) => /^[a-z0-9-]*$/i.test(label)))
    return 'must have two labels at least, such as *.example.com'
  if (!tail.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(label)))
    return 'must hold only letters, digits, dashes and single dots'
  return undefined
}

/** Whether the text is a host such as `example.com`, all hosts below one, `*.example.com`, or `*` for all. */
export function hostPattern(text: string): string | undefined {
  return text === '*' || /^(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(text)
    ? undefined
    : 'must be hosts in lower case such as example.com or *.example.com'
}

const FORBIDDEN_SSH_KEYS = [
  'Host',
  'Match',
  'Include',
  'ProxyCommand',
  'ProxyJump',
  'LocalCommand',
  'PermitLocalCommand',
  'RemoteCommand',
  'KnownHostsCommand',
  'PKCS11Provider',
  'SecurityKeyProvider',
  'SmartcardDevice',
  'XAuthLocation',
].map((key) => key.toLowerCase())

/** Whether the text is an ssh_config setting that clients may take over (AC-240). */
export function sshConfigOption(text: string): string | undefined {
  const [, key, value] = /^\s*([A-Za-z0-9]+)(?:\s*=\s*|\s+)(.*)$/s.exec(text) ?? []
  if (key === undefined || value === undefined) return 'must be settings such as ServerAliveInterval=30'
  if (/[\n\r\0]/.test(value)) return 'must not hold line breaks or NUL'
  return FORBIDDEN_SSH_KEYS.includes(key.toLowerCase()) ? `must not set ${key}` : undefined
}

/** Whether the text is a base64 key of 32 bytes (OP-67). */
export function encryptionKey(text: string): string | undefined {
  return /^[A-Za-z0-9+/_-]{43}=?$/.test(text) ? undefined : 'must be base64 keys of 32 bytes'
}

/** Whether the text is `auto` or a whole number (OP-9). */
export function autoOrCount(text: string): string | undefined {
  return /^(auto|\d+)$/.test(text) ? undefined : 'must be auto or a whole number'
}

/** Whether the text is a regular expression (OP-98); empty is none. */
export function pattern(text: string): string | undefined {
  try {
    new RegExp(text)
    return undefined
  } catch {
    return 'must be regular expressions'
  }
}

/** Whether the text is a regular expression of RE2, which takes no long time on any text; empty is none. */
export function linearPattern(text: string): string | undefined {
  try {
    new LinearRegExp(text)
    return undefined
  } catch (error) {
    return `must be a regular expression of RE2: ${error instanceof Error ? error.message : String(error)}`
  }
}

/** Whether the text is empty or `host:port`, which some options keep as text on the wire. */
export function hostPortText(text: string): string | undefined {
  return text === '' || parseHostPort(text) !== undefined ? undefined : 'must be host:port'
}

/** Whether the text is a database URL; its password may hold characters that do not parse (OP-42). */
export function postgresUrl(text: string): string | undefined {
  return text === '' || /^postgres(ql)?:\/\/./.test(text)
    ? undefined
    : 'must look like postgres://user:password@host:5432/database'
}

/** Whether the text is empty or the secret of the chat hook, which signs requests (CH-1601). */
export function hookSecret(text: string): string | undefined {
  return text === '' || Buffer.byteLength(text) >= 32 ? undefined : 'must have 32 bytes at least'
}

/** Whether the text is a time of each day (WS-231). */
export function dailySchedule(text: string): string | undefined {
  const parsed = parseDailySchedule(text)
  return parsed.ok ? undefined : parsed.problem
}

/** A STUN server that clients are told of, or the word that stands for none. */
export function stunServer(entry: string): string | undefined {
  if (entry === 'disable') return undefined
  const at = entry.startsWith(':') ? undefined : parseHostPort(entry)
  return at === undefined || at.port === 0
    ? 'must name servers as host:port, for example stun.example.com:3478, or be disable'
    : undefined
}
