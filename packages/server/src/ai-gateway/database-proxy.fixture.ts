import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

import { databaseAddress } from '@slipway/testkit'

/** Stands between a server and its database, and can take it away. */
export class DatabaseProxy implements AsyncDisposable {
  /** The database as it is reached through this. */
  readonly url: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #away: 'refused' | 'silent' | undefined

  private constructor(server: Server, url: string) {
    this.#server = server
    this.url = url
  }

  static async start(databaseUrl: string): Promise<DatabaseProxy> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = new URL(databaseUrl)
    url.hostname = '127.0.0.1'
    url.port = String((server.address() as AddressInfo).port)
    const proxy = new DatabaseProxy(server, url.href)
    server.on('connection', (socket) => proxy.#serve(socket, databaseUrl))
    return proxy
  }

  #serve(client: Socket, databaseUrl: string): void {
    client.on('error', () => undefined)
    if (this.#away === 'refused') {
      client.destroy()
      return
    }
    this.#keep(client)
    if (this.#away === 'silent') return
    const database = connect(databaseAddress(databaseUrl))
    database.on('error', () => undefined)
    this.#keep(database)
    client.pipe(database).pipe(client)
    client.on('close', () => database.destroy())
    database.on('close', () => client.destroy())
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
  }

  /** Ends all connections and takes no more, or takes them and says nothing. */
  takeAway(how: 'refused' | 'silent' = 'refused'): void {
    this.#away = how
    for (const socket of this.#sockets) {
      if (how === 'refused') socket.destroy()
      else socket.unpipe().pause()
    }
  }

  bringBack(): void {
    this.#away = undefined
    for (const socket of this.#sockets) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.takeAway()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
