import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

/** What to ask, how, and for how long. */
export interface Load {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly connections: number
  readonly seconds: number
}

/** Before it counts, so that caches are warm and the code of both servers is compiled. */
const WARM_UP_MS = 1_500
const SELF = fileURLToPath(import.meta.url)

/** What a server did under load. */
interface Outcome {
  /** Requests per second that were answered after the warm-up. */
  readonly rate: number
  /** All requests that were answered. */
  readonly answered: number
}

/** Asks a server from a process of its own. @throws Error when it answers anything but 200. */
export async function load(what: Load): Promise<Outcome> {
  const child = spawn(process.execPath, [SELF, JSON.stringify(what)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  if (code !== 0) throw new Error(`the load on ${what.url} failed`)
  return JSON.parse(output)
}

/** The generator: bare sockets, one request at a time on each, so that it costs little beside the server. */
async function generate({ url, headers, connections, seconds }: Load): Promise<Outcome> {
  const { hostname, port, pathname, search, host } = new URL(url)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const request = Buffer.from(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n${lines.join('')}\r\n`)
  let answered = 0
  const sockets = Array.from({ length: connections }, () => {
    const socket = connect(Number(port), hostname)
    socket.setNoDelay(true)
    let missing = 0
    let head = ''
    socket.on('data', (chunk: Buffer) => {
      let rest = chunk
      if (missing === 0) {
        head += rest.toString('latin1')
        const end = head.indexOf('\r\n\r\n')
        if (end < 0) return
        if (!head.startsWith('HTTP/1.1 200')) throw new Error(head.slice(0, 400))
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1])
        if (Number.isNaN(length)) throw new Error('an answer without a length')
        missing = length
        rest = Buffer.from(head.slice(end + 4), 'latin1')
        head = ''
      }
      missing -= rest.length
      if (missing > 0) return
      missing = 0
      answered += 1
      socket.write(request)
    })
    socket.on('connect', () => socket.write(request))
    return socket
  })
  // A generator that sleeps has to be woken by each answer, which costs the server more than the answer itself and
  // falls on the slower of two servers only: the faster one keeps the generator busy.
  let awake = true
  const stayAwake = (): void => {
    if (awake) setImmediate(stayAwake)
  }
  stayAwake()
  await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS))
  const before = answered
  const start = performance.now()
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000))
  const rate = (answered - before) / ((performance.now() - start) / 1_000)
  awake = false
  for (const socket of sockets) socket.destroy()
  return { rate, answered }
}

if (process.argv[1] === SELF) {
  process.stdout.write(JSON.stringify(await generate(JSON.parse(process.argv[2] ?? ''))))
}
