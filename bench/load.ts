import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

/** What to ask, how, and for how long. */
export interface Load {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly connections: number
  readonly seconds: number
  /** Sent with each request, as POST; without it they are GET. */
  readonly body?: string
  /** File with one value of `Coder-Session-Token` in each line, for one request after the other. */
  readonly tokens?: string
  /** File with one form in each line; each is sent once, and the load ends with the last. */
  readonly forms?: string
  /** How often all of the forms are sent, where each may be sent again; once unless it is said. */
  readonly repeat?: number
  /** At most so many requests in a second; without it as many as the server answers. */
  readonly perSecond?: number
  /** Whether the generator sleeps while it waits for answers, and leaves its core to who works for them. */
  readonly sleeps?: boolean
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
  /** The time within which 99 of 100 were answered, in milliseconds, counted from when they were due. */
  readonly p99: number
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
async function generate({
  url,
  headers,
  connections,
  seconds,
  body,
  tokens,
  forms,
  repeat = 1,
  perSecond,
  sleeps = false,
}: Load): Promise<Outcome> {
  const { hostname, port, pathname, search, host } = new URL(url)
  const lines = Object.entries({
    ...headers,
    ...(body === undefined
      ? {}
      : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }),
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  const request = (own: string): Buffer =>
    Buffer.from(
      `${body === undefined ? 'GET' : 'POST'} ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n${lines.join('')}${own}\r\n${body ?? ''}`,
    )
  const post = (form: string): Buffer =>
    Buffer.from(
      `POST ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n${lines.join('')}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${Buffer.byteLength(form)}\r\n\r\n${form}`,
    )
  const linesOf = (file: string): string[] => readFileSync(file, 'utf8').trim().split('\n')
  const requests =
    forms !== undefined
      ? linesOf(forms).map(post)
      : tokens === undefined
        ? [request('')]
        : linesOf(tokens).map((token) => request(`Coder-Session-Token: ${token}\r\n`))
  const last = forms === undefined ? Number.POSITIVE_INFINITY : requests.length * repeat
  const warm = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  let answered = 0
  let asked = 0
  let latencies: number[] = []
  const began = performance.now()
  const idle: (() => void)[] = []
  /** When the next request may leave. */
  const due = (): number =>
    perSecond === undefined ? performance.now() : began + (asked * 1_000) / perSecond
  const sockets = Array.from({ length: connections }, () => {
    const socket = connect(Number(port), hostname)
    socket.setNoDelay(true)
    let missing = 0
    let head = ''
    let since = 0
    const ask = (): void => {
      if (asked >= last) return
      since = due()
      if (since > performance.now()) {
        idle.push(ask)
        return
      }
      socket.write(requests[asked % requests.length] ?? '')
      asked += 1
    }
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
      latencies.push(performance.now() - since)
      if (answered === Math.floor(last / 4)) warm.resolve()
      if (answered === last) ended.resolve()
      ask()
    })
    socket.on('connect', ask)
    return socket
  })
  // A generator that sleeps has to be woken by each answer, which costs the server more than the answer itself and
  // falls on the slower of two servers only: the faster one keeps the generator busy. Where the database works beside the
  // server, it needs the core that the generator would turn on for nothing.
  let awake = !sleeps
  const stayAwake = (): void => {
    while (idle.length > 0 && due() <= performance.now()) idle.shift()?.()
    if (!awake) return
    // At a given pace there is time to sleep, and a core to leave to the server.
    if (perSecond === undefined) setImmediate(stayAwake)
    else setTimeout(stayAwake, 1)
  }
  stayAwake()
  await (forms === undefined ? new Promise((resolve) => setTimeout(resolve, WARM_UP_MS)) : warm.promise)
  const before = answered
  latencies = []
  const start = performance.now()
  await (forms === undefined ? new Promise((resolve) => setTimeout(resolve, seconds * 1_000)) : ended.promise)
  const rate = (answered - before) / ((performance.now() - start) / 1_000)
  awake = false
  for (const socket of sockets) socket.destroy()
  latencies.sort((a, b) => a - b)
  return { rate, answered, p99: latencies[Math.floor(latencies.length * 0.99)] ?? 0 }
}

if (process.argv[1] === SELF) {
  process.stdout.write(JSON.stringify(await generate(JSON.parse(process.argv[2] ?? ''))))
}
