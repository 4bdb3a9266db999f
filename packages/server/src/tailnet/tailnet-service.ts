import { randomUUID } from 'node:crypto'

import { createWebSocketStream, type WebSocket } from 'ws'

import { serveCall, YamuxSession } from '@slipway/drpc'
import { describeError } from '@slipway/request-log'
import { addressesOf } from '@slipway/tailnet/addresses'
import type { AgentTunnels } from '../agents/index.ts'
import type { AppContext } from '../context.ts'
import { KeyRing } from '../crypto-keys/index.ts'
import type { DerpRelay, RelayMap } from '../derp/index.ts'
import { ApiError } from '../errors/index.ts'
import { AgentAttachments } from './agent-attachments.ts'
import { Coordinator } from './coordinator.ts'
import type { UserAuthority } from './judge-request.ts'
import { ResumeTokens } from './resume-tokens.ts'
import { type Caller, type TailnetParts, tailnetCalls } from './tailnet-calls.ts'

/** Peers log in to the relay and tell the coordinator their keys at the same time. */
const KEY_WAIT_MS = 5_000

/** What the tailnet is made of. */
interface ServiceParts {
  readonly context: AppContext
  readonly tunnels: AgentTunnels
  readonly relayMap: RelayMap
  /** None where it is switched off: our own agents cannot be reached then. */
  readonly relay: DerpRelay | undefined
}

/** Introduces clients of the reference to agents, and our agents to them (AC-130 to AC-147). */
export class TailnetService implements AsyncDisposable {
  readonly #context: AppContext
  readonly #coordinator: Coordinator
  readonly #tokens: ResumeTokens
  readonly #attachments: AgentAttachments | undefined
  readonly #parts: TailnetParts
  readonly relayMap: RelayMap
  /** Addresses of agents that somebody here wants to talk to. */
  readonly #agentAddresses = new Map<string, string>()

  constructor({ context, tunnels, relayMap, relay }: ServiceParts) {
    this.#context = context
    this.relayMap = relayMap
    this.#tokens = new ResumeTokens(new KeyRing(context, 'tailnet_resume'))
    this.#coordinator = new Coordinator({
      wanted: (id) => {
        for (const address of addressesOf(id)) this.#agentAddresses.set(address, id)
        this.#attachments?.attach(id)
      },
      unwanted: (id) => {
        for (const address of addressesOf(id)) this.#agentAddresses.delete(address)
        this.#attachments?.detach(id)
      },
    })
    this.#parts = {
      coordinator: this.#coordinator,
      tokens: this.#tokens,
      derpMap: () => relayMap.settings.derp_map,
      isAgentAddress: (address) => this.#agentAddresses.has(address),
      now: () => context.clock.now(),
      report: (error) =>
        context.log.error('a request to the coordinator failed', { error: describeError(error) }),
    }
    this.#attachments =
      relay === undefined
        ? undefined
        : new AgentAttachments({
            context,
            tunnels,
            relay,
            calls: (agentId) =>
              tailnetCalls(this.#parts, { peerId: agentId, authority: { kind: 'agent', agentId } }),
            isWanted: (agentId) => this.#coordinator.isWanted(agentId),
            isConnected: (agentId) => this.#coordinator.isConnected(agentId),
          })
  }

  /** Whether a public key is that of a peer, or of one that says so in a moment (AC-302). */
  knowsKey(key: Uint8Array): Promise<boolean> {
    return this.#coordinator.knowsKey(key, KEY_WAIT_MS)
  }

  /**
   * The peer that a client was, or a new one (AC-135, AC-143).
   *
   * @throws ApiError 401 naming the token when it is not ours or has ended.
   */
  async peerOf(resumeToken: string): Promise<string> {
    const peerId = await this.#tokens.read(resumeToken, this.#context.clock.now())
    if (peerId === 'invalid')
      throw new ApiError(401, 'Invalid resume token', {
        validations: [{ field: 'resume_token', detail: 'Connect without it.' }],
      })
    return peerId ?? randomUUID()
  }

  /** Takes away the tunnels of a client to agents which it may not reach any more (AC-308). */
  async recheck(peerId: string, { mayReach }: UserAuthority): Promise<void> {
    for (const agentId of this.#coordinator.tunnelsOf(peerId))
      if (!(await mayReach(agentId))) this.#coordinator.cut(peerId, agentId)
  }

  /** Serves a client until its connection is over. */
  serveClient(socket: WebSocket, peerId: string, authority: UserAuthority): void {
    const caller: Caller = { peerId, authority }
    const methods = tailnetCalls(this.#parts, caller)
    const stream = createWebSocketStream(socket)
    // Only bytes have a meaning here (AC-50).
    socket.on('message', (_data, isBinary) => {
      if (!isBinary) socket.close(1003, 'send binary messages')
    })
    const session = new YamuxSession(stream, {
      role: 'server',
      onStream: (call) =>
        void serveCall(call, methods, (path, error) =>
          this.#context.log.error('a call of a tailnet client failed', { path, error: describeError(error) }),
        ),
    })
    socket.on('close', () => stream.destroy())
    void session.closed.then(() => socket.terminate())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#coordinator[Symbol.dispose]()
    await this.#attachments?.[Symbol.asyncDispose]()
  }
}
