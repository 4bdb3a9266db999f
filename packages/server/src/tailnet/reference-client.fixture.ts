import { randomBytes, randomUUID } from 'node:crypto'
import type { Duplex } from 'node:stream'

import { createWebSocketStream, WebSocket } from 'ws'

import type { Client } from '@slipway/client'
import {
  type BidiCall,
  type CoordinateRequestSchema,
  type CoordinateResponse,
  type CoordinateResponse_PeerUpdate,
  type CoordinateResponseSchema,
  callBidi,
  CoordinateResponse_PeerUpdate_Kind as Kind,
  Tailnet,
  YamuxSession,
} from '@slipway/drpc'
import { addressesOf, relayAt, TailnetNode } from '@slipway/tailnet'
import { until } from '@slipway/testkit'
import { bytesOf } from './peer-update.ts'

/** A connection to the coordinator, as a client of the reference makes it. */
export interface CoordinatorConnection extends Disposable {
  readonly session: YamuxSession
  readonly call: BidiCall<typeof CoordinateRequestSchema, typeof CoordinateResponseSchema>
  /** All that was heard so far. */
  readonly heard: CoordinateResponse[]
  /** Resolves when the call is over. */
  readonly over: Promise<void>
}

/** Dials the coordinator. @throws Error with the status of a refusal. */
export async function dialCoordinator(
  url: string,
  client: Client,
  path: string,
): Promise<CoordinatorConnection> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}${path}`, { headers: { ...client.headers } })
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve())
    socket.once('error', reject)
    socket.once('unexpected-response', (_request, { statusCode }) =>
      reject(new Error(`status ${statusCode}`)),
    )
  })
  const session = new YamuxSession(createWebSocketStream(socket), { role: 'client' })
  const call = callBidi(session.open(), Tailnet.method.coordinate)
  const heard: CoordinateResponse[] = []
  const over = (async () => {
    for await (const response of call.responses) heard.push(response)
  })().catch(() => undefined)
  return { session, call, heard, over, [Symbol.dispose]: () => session[Symbol.dispose]() }
}

/** All updates that a connection has heard of one peer. */
export function updatesOf({ heard }: CoordinatorConnection, id: string): CoordinateResponse_PeerUpdate[] {
  return heard
    .flatMap(({ peerUpdates }) => peerUpdates)
    .filter((update) => Buffer.from(bytesOf(id)).equals(update.id))
}

const log = { debug: () => undefined, warn: () => undefined }

/** A client of the reference that connects to one agent: WireGuard through the relay of the server. */
export class ReferenceClient implements AsyncDisposable {
  readonly #node: TailnetNode
  readonly #connection: CoordinatorConnection
  readonly #agentId: string

  private constructor(node: TailnetNode, connection: CoordinatorConnection, agentId: string) {
    this.#node = node
    this.#connection = connection
    this.#agentId = agentId
  }

  /** Resolves when the agent is ready for handshakes. */
  static async connect(
    url: string,
    client: Client,
    agentId: string,
    relayUrl = url,
  ): Promise<ReferenceClient> {
    const connection = await dialCoordinator(
      url,
      client,
      `/api/v2/workspaceagents/${agentId}/coordinate?version=2.0`,
    )
    const [agentAddress] = addressesOf(agentId)
    const address = addressesOf(randomUUID())[0]
    const node = new TailnetNode({ address, relay: relayAt(relayUrl, {}), log })
    await connection.call.send({
      updateSelf: {
        node: {
          id: BigInt(randomBytes(4).readUInt32BE()),
          key: Buffer.concat([Buffer.from('np'), node.publicKey]),
          disco: node.discoKey,
          preferredDerp: 999,
          addresses: [`${address}/128`],
          allowedIps: [`${address}/128`],
        },
      },
    })
    await connection.call.send({ addTunnel: { id: bytesOf(agentId) } })
    const joined = new ReferenceClient(node, connection, agentId)
    await joined.#meet(agentAddress)
    return joined
  }

  async #meet(agentAddress: string): Promise<void> {
    const { key } = await until('the agent to be ready', () => {
      const updates = updatesOf(this.#connection, this.#agentId)
      const isReady = updates.some(({ kind }) => kind === Kind.READY_FOR_HANDSHAKE)
      return isReady ? updates.findLast(({ kind }) => kind === Kind.NODE)?.node : undefined
    })
    this.#node.setPeer({ key: key.subarray(2), addresses: [agentAddress] })
  }

  /** Opens a TCP connection to a port of the agent. */
  dial(port: number): Promise<Duplex> {
    return this.#node.dial(addressesOf(this.#agentId)[0], port)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection[Symbol.dispose]()
    await this.#node[Symbol.asyncDispose]()
  }
}
