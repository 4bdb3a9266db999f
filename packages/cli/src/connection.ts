import { Client, type ClientOptions } from '@slipway/client'
import type { Transport } from './transport.ts'

/** A client of the server with the way there, which its WebSockets take as well. */
export class Connection extends Client {
  readonly transport: Transport

  constructor(options: ClientOptions, transport: Transport) {
    super({ ...options, fetch: transport.fetch })
    this.transport = transport
  }
}
