import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

/** What to ask a model, over how many connections, and for how long. */
export interface ModelLoad {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly connections: number
  readonly seconds: number
  /** At most so many requests in a second; without it as many as are answered. */
  readonly perSecond?: number
}

/** How it was answered after the warm-up; times in milliseconds. */
export interface ModelOutcome {
  readonly rate: number
  /** Events of streams in a second. */
  readonly events: number
  readonly median: number
  readonly p99: number
  /** To the first bytes of a body. */
  readonly firstMedian: number
  readonly firstP99: number
}

const WARM_UP_MS = 1_500
const SELF = fileURLToPath(import.meta.url)

/** Asks from a process of its own. @throws Error when anything but 200 is answered. */
export async function modelLoad(what: ModelLoad): Promise<ModelOutcome> {
  const child = spawn(process.execPath, [SELF, JSON.stringify(what)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  if (code !== 0) throw new Error(`the load on ${what.url} failed`)
  return JSON.parse(output)
}

/** Bare sockets, one request at a time on each, so that the generator costs little beside what it measures. */
async function generate(what: ModelLoad): Promise<ModelOutcome> {
  const { hostname, port, pathname, host } = new URL(what.url)
  const lines = Object.entries({
    ...what.headers,
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(what.body),
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  const request = Buffer.from(
    `POST ${pathname} HTTP/1.1\r\nHost: ${host}\r\n${lines.join('')}\r\n${what.body}`,
  )
  let took: number[] = []
  let first: number[] = []
  let events = 0
  let asked = 0
  let over = false
  const began = performance.now()
  const ask = async (socket: ReturnType<typeof connect>): Promise<void> => {
    if (what.perSecond !== undefined) {
      const due = began + (asked * 1_000) / what.perSecond
      asked += 1
      const wait = due - performance.now()
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    }
    const since = performance.now()
    socket.write(request)
    await new Promise<void>((resolve, reject) => {
      let head = ''
      let missing: number | undefined
      let tail = ''
      let begun = false
      const onData = (chunk: Buffer): void => {
        let body = chunk
        if (missing === undefined) {
          head += chunk.toString('latin1')
          const end = head.indexOf('\r\n\r\n')
          if (end < 0) return
          if (!head.startsWith('HTTP/1.1 200')) {
            reject(new Error(head.slice(0, 600)))
            return
          }
          missing = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN)
          body = Buffer.from(head.slice(end + 4), 'latin1')
          head = ''
        }
        if (body.length > 0 && !begun) {
          begun = true
          first.push(performance.now() - since)
        }
        if (Number.isNaN(missing)) {
          // In chunks: the last one is empty.
          const said = body.toString('latin1')
          for (let at = said.indexOf('data: '); at >= 0; at = said.indexOf('data: ', at + 6)) events += 1
          tail = (tail + said).slice(-7)
          if (!tail.endsWith('0\r\n\r\n')) return
        } else {
          missing -= body.length
          if (missing > 0) return
        }
        socket.off('data', onData)
        resolve()
      }
      socket.on('data', onData)
      socket.once('error', reject)
      socket.once('close', () => (over ? resolve() : reject(new Error('the connection was closed'))))
    })
    socket.removeAllListeners('error')
    socket.removeAllListeners('close')
    took.push(performance.now() - since)
  }
  const sockets = await Promise.all(
    Array.from({ length: what.connections }, async () => {
      const socket = connect(Number(port), hostname)
      socket.setNoDelay(true)
      await once(socket, 'connect')
      return socket
    }),
  )
  const loops = sockets.map(async (socket) => {
    while (!over) await ask(socket)
  })
  await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS))
  took = []
  first = []
  events = 0
  const start = performance.now()
  await Promise.race([
    new Promise((resolve) => setTimeout(resolve, what.seconds * 1_000)),
    ...loops.map((loop) => loop.then(() => new Promise(() => undefined))),
  ])
  const seconds = (performance.now() - start) / 1_000
  const measured = { took: took.toSorted((a, b) => a - b), first: first.toSorted((a, b) => a - b), events }
  over = true
  for (const socket of sockets) socket.destroy()
  const at = (sorted: readonly number[], share: number): number =>
    sorted[Math.floor(sorted.length * share)] ?? 0
  return {
    rate: measured.took.length / seconds,
    events: measured.events / seconds,
    median: at(measured.took, 0.5),
    p99: at(measured.took, 0.99),
    firstMedian: at(measured.first, 0.5),
    firstP99: at(measured.first, 0.99),
  }
}

if (process.argv[1] === SELF) {
  process.stdout.write(JSON.stringify(await generate(JSON.parse(process.argv[2] ?? ''))))
  process.exit(0)
}
