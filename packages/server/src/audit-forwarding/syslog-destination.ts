import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { hostname } from 'node:os'
import { connect as connectTls } from 'node:tls'

import { type Destination, forwarded } from './destination.ts'
import type { ForwardedRow } from './store.ts'

/** RFC 5424: facility 13, the log audit; severity 6 for what was done, 4 for what was refused or failed. */
const DONE = 13 * 8 + 6
const FAILED = 13 * 8 + 4
/** What fits a datagram with some room, in bytes (RFC 5426 section 3.2). */
const DATAGRAM = 8_192
const DEFAULT_PORTS = { 'udp:': 514, 'tcp:': 601, 'tls:': 6514 } as const
type Scheme = keyof typeof DEFAULT_PORTS

/**
 * A syslog server, `udp://`, `tcp://` or `tls://host:port`, that gets each entry as one message of RFC 5424 whose text is
 * JSON. Streams are framed by octet counting (RFC 6587 section 3.4.1, RFC 5425). Syslog knows no answer: a stream is
 * taken when the server has closed it after all was sent, a datagram when it has left this machine.
 *
 * @throws Error for an address of another kind.
 */
export function syslogDestination(address: string): Destination {
  const { protocol, hostname: bracketed, port } = new URL(address)
  const scheme = protocol
  if (!isScheme(scheme)) throw new Error(`${protocol} is no way to a syslog server`)
  const target = {
    host: bracketed.replace(/^\[|\]$/g, ''),
    port: port === '' ? DEFAULT_PORTS[scheme] : Number(port),
  }
  const name = `${protocol}//${bracketed}:${target.port}`
  if (scheme === 'udp:')
    return {
      kind: 'syslog',
      name,
      send: (entries, signal) => sendDatagrams(target, entries, signal),
    }
  const open = (): Socket =>
    scheme === 'tls:'
      ? connectTls({
          ...target,
          // RFC 6066 section 3: addresses are not sent; the certificate is compared with them all the same.
          ...(isIP(target.host) === 0 ? { servername: target.host } : {}),
          minVersion: 'TLSv1.2',
        })
      : connectTcp(target)
  return { kind: 'syslog', name, send: (entries, signal) => sendStream(open, entries, signal) }
}

function isScheme(protocol: string): protocol is Scheme {
  return protocol in DEFAULT_PORTS
}

async function sendStream(
  open: () => Socket,
  entries: readonly ForwardedRow[],
  signal: AbortSignal,
): Promise<void> {
  const socket = open()
  const stop = (): void => void socket.destroy(new Error('it did not take the entries in time'))
  signal.addEventListener('abort', stop, { once: true })
  try {
    if (signal.aborted) stop()
    // What it says is of no use, but unread it would keep the end from being seen.
    socket.resume()
    const frames = entries.map((entry) => {
      const text = message(entry, forwarded(entry))
      return `${Buffer.byteLength(text)} ${text}`
    })
    socket.end(frames.join(''))
    await once(socket, 'close')
    if (!socket.writableFinished) throw new Error('it closed the connection before all was sent')
  } finally {
    signal.removeEventListener('abort', stop)
    socket.destroy()
  }
}

async function sendDatagrams(
  { host, port }: { readonly host: string; readonly port: number },
  entries: readonly ForwardedRow[],
  signal: AbortSignal,
): Promise<void> {
  const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4' })
  const failed = once(socket, 'error').then(([error]) => Promise.reject(error))
  failed.catch(() => undefined)
  try {
    for (const entry of entries) {
      signal.throwIfAborted()
      const sent = new Promise<void>((resolve, reject) => {
        socket.send(datagram(entry), port, host, (error) => (error === null ? resolve() : reject(error)))
      })
      await Promise.race([sent, failed])
    }
  } finally {
    socket.removeAllListeners('error')
    socket.close()
  }
}

/** Without the details of the change where those would not fit. */
function datagram(entry: ForwardedRow): string {
  const all = forwarded(entry)
  const whole = message(entry, all)
  return Buffer.byteLength(whole) <= DATAGRAM
    ? whole
    : message(entry, { ...all, diff: {}, additional_fields: {}, truncated: true })
}

function message(entry: ForwardedRow, text: Readonly<Record<string, unknown>>): string {
  const priority = entry.status_code >= 400 ? FAILED : DONE
  const host =
    hostname()
      .replace(/[^\x21-\x7e]/g, '')
      .slice(0, 255) || '-'
  // All but the text has a fixed alphabet: nobody can write a second message by a name that they choose.
  return `<${priority}>1 ${entry.time.toISOString()} ${host} slipway ${process.pid} audit - ${JSON.stringify(text)}`
}
