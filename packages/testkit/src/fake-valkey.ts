import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'

/** As much of a Valkey server as counting needs, speaking its protocol (RESP 2) over TCP; for tests. */
export class FakeValkey implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #values = new Map<string, number>()

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket) => this.#serve(socket))
  }

  static async start(): Promise<FakeValkey> {
    const fake = new FakeValkey(createServer())
    fake.#server.listen(0, '127.0.0.1')
    await once(fake.#server, 'listening')
    return fake
  }

  get url(): string {
    const at = this.#server.address()
    if (at === null || typeof at === 'string') throw new Error('the fake does not listen')
    return `redis://127.0.0.1:${at.port}`
  }

  /** Goes away with all of its connections, as a machine that fails does. */
  cut(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket)).on('error', () => socket.destroy())
    let pending = ''
    let queued: string[][] | undefined
    socket.on('data', (data) => {
      pending += data.toString('latin1')
      for (;;) {
        const found = takeCommand(pending)
        if (found === undefined) return
        pending = found.rest
        const [name = ''] = found.command
        if (/^multi$/i.test(name)) {
          queued = []
          socket.write('+OK\r\n')
        } else if (/^exec$/i.test(name)) {
          const replies = (queued ?? []).map((command) => this.#reply(command))
          queued = undefined
          socket.write(`*${replies.length}\r\n${replies.join('')}`)
        } else if (queued !== undefined) {
          queued.push(found.command)
          socket.write('+QUEUED\r\n')
        } else socket.write(this.#reply(found.command))
      }
    })
  }

  #reply([name = '', key = '']: readonly string[]): string {
    switch (name.toLowerCase()) {
      case 'incr':
        return this.#add(key, 1)
      case 'decr':
        return this.#add(key, -1)
      case 'get': {
        const value = this.#values.get(key)
        return value === undefined ? '$-1\r\n' : `$${String(value).length}\r\n${value}\r\n`
      }
      case 'pexpire':
        return ':1\r\n'
      case 'info': {
        const text = 'loading:0\r\n'
        return `$${text.length}\r\n${text}\r\n`
      }
      default:
        return '+OK\r\n'
    }
  }

  #add(key: string, by: number): string {
    const value = (this.#values.get(key) ?? 0) + by
    this.#values.set(key, value)
    return `:${value}\r\n`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
  }
}

/** One command of the protocol from the front of what has arrived; undefined while it is not complete. */
function takeCommand(text: string): { readonly command: string[]; readonly rest: string } | undefined {
  const head = /^\*(\d+)\r\n/.exec(text)
  if (head === null) return undefined
  const command: string[] = []
  let at = head[0].length
  for (let i = 0; i < Number(head[1]); i += 1) {
    const size = /^\$(\d+)\r\n/.exec(text.slice(at))
    if (size === null) return undefined
    at += size[0].length
    const length = Number(size[1])
    if (text.length < at + length + 2) return undefined
    command.push(text.slice(at, at + length))
    at += length + 2
  }
  return { command, rest: text.slice(at) }
}
