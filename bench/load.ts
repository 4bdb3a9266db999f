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

const SELF = fileURLToPath(import.meta.url)

/** Requests per second that a server answers with 200, asked from a process of its own. @throws Error at other answers. */
export async function requestsPerSecond(load: Load): Promise<number> {
  const child = spawn(process.execPath, [SELF, JSON.stringify(load)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  if (code !== 0) throw new Error(`the load on ${load.url} failed`)
  return Number(output)
}

/** The generator: bare sockets, one request at a time on each, so that it costs little beside the server. */
async function generate({ url, headers, connections, seconds }: Load): Promise<number> {
  const { hostname, port, pathname, search, host } = new URL(url)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const request = Buffer.from(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n${lines.join('')}\r\n`)
  let answered = 0
  let counting = false
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
      if (counting) answered += 1
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
  // The first second warms caches and compiled code.
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  counting = true
  const start = performance.now()
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000))
  const rate = answered / ((performance.now() - start) / 1_000)
  awake = false
  for (const socket of sockets) socket.destroy()
  return rate
}

if (process.argv[1] === SELF) {
  const load: Load = JSON.parse(process.argv[2] ?? '')
  process.stdout.write(String(await generate(load)))
}
