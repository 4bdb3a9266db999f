import { timestampFromDate } from '@bufbuild/protobuf/wkt'

import type { DerpMap } from '@slipway/contract'
import {
  type CoordinateRequest,
  type ServedMethod,
  serveBidi,
  serveStream,
  serveUnary,
  Tailnet,
} from '@slipway/drpc'
import type { Coordinator, PeerHandle } from './coordinator.ts'
import { type Authority, judgeRequest } from './judge-request.ts'
import { idOf } from './peer-update.ts'
import type { ResumeTokens } from './resume-tokens.ts'

/** What the calls of a peer need. */
export interface TailnetParts {
  readonly coordinator: Coordinator
  readonly tokens: ResumeTokens
  readonly derpMap: () => DerpMap
  readonly isAgentAddress: (address: string) => boolean
  readonly now: () => Date
  /** Hears of failures of ours. */
  readonly report: (error: unknown) => void
}

/** The peer that calls. */
export interface Caller {
  readonly peerId: string
  readonly authority: Authority
}

/** What a peer can call, by path (AC-132 to AC-146). */
export function tailnetCalls(parts: TailnetParts, caller: Caller): ReadonlyMap<string, ServedMethod> {
  const { coordinate, postTelemetry, refreshResumeToken, streamDERPMaps } = Tailnet.method
  const methods = [
    serveBidi(coordinate, (requests, signal) => coordinatePeer(parts, caller, requests, signal)),
    // It stays the same until the server starts anew (AC-133).
    serveStream(streamDERPMaps, async function* (_request, signal) {
      yield derpMapMessage(parts.derpMap())
      if (!signal.aborted)
        await new Promise<void>((resolve) =>
          signal.addEventListener('abort', () => resolve(), { once: true }),
        )
    }),
    serveUnary(refreshResumeToken, async () => {
      const { token, refreshInSeconds, expiresAt } = await parts.tokens.issue(caller.peerId, parts.now())
      return {
        token,
        refreshIn: { seconds: BigInt(refreshInSeconds) },
        expiresAt: timestampFromDate(expiresAt),
      }
    }),
    // Clients end sessions with it and expect that it never fails (AC-145).
    serveUnary(postTelemetry, () => ({})),
  ]
  return new Map(methods.map((method) => [method.path, method]))
}

async function* coordinatePeer(
  { coordinator, isAgentAddress, report }: TailnetParts,
  { peerId, authority }: Caller,
  requests: AsyncIterable<CoordinateRequest>,
  signal: AbortSignal,
) {
  const peer = coordinator.join(peerId)
  // It ends with the requests, which end with the answers.
  void readRequests(peer, authority, requests, isAgentAddress).then(
    () => peer.outbox.end(),
    (error: unknown) => {
      // A connection that breaks is no failure of ours.
      if (!signal.aborted) report(error)
      peer.outbox.end('internal error: connect again')
    },
  )
  try {
    yield* peer.outbox.messages(signal)
  } finally {
    // Nobody waits for who has left before, or for the end of the coordinator.
    if (coordinator.isConnected(peerId)) peer.leave(await howItLeft(authority, report))
  }
}

/**
 * Whether partners may go on for a while with a peer whose connection is over: nobody who was cut off because they may
 * not connect any more keeps what they had (AC-308, RB-137).
 */
async function howItLeft(
  authority: Authority,
  report: (error: unknown) => void,
): Promise<'lost' | 'disconnected'> {
  if (authority.kind === 'agent') return 'lost'
  try {
    return (await authority.mayStay()) ? 'lost' : 'disconnected'
  } catch (error) {
    report(error)
    return 'lost'
  }
}

async function readRequests(
  peer: PeerHandle,
  authority: Authority,
  requests: AsyncIterable<CoordinateRequest>,
  isAgentAddress: (address: string) => boolean,
): Promise<void> {
  for await (const request of requests) {
    const refusal = await judgeRequest(authority, request, isAgentAddress)
    if (refusal !== undefined) {
      peer.outbox.end(refusal)
      return
    }
    if (carryOut(peer, request) === 'left') return
  }
}

/** In this order when one message has several (AC-134). */
function carryOut(peer: PeerHandle, request: CoordinateRequest): 'goes on' | 'left' {
  const { updateSelf, addTunnel, removeTunnel, disconnect, readyForHandshake } = request
  if (updateSelf?.node !== undefined) peer.update(updateSelf.node)
  const added = addTunnel === undefined ? undefined : idOf(addTunnel.id)
  if (added !== undefined) peer.addTunnel(added)
  const removed = removeTunnel === undefined ? undefined : idOf(removeTunnel.id)
  if (removed !== undefined) peer.removeTunnel(removed)
  if (disconnect !== undefined) {
    peer.leave('disconnected')
    return 'left'
  }
  const error = peer.ready(readyForHandshake.flatMap(({ id }) => idOf(id) ?? []))
  if (error !== undefined) peer.outbox.complain(error)
  return 'goes on'
}

/** The map as calls carry it (AC-133). */
function derpMapMessage({ Regions }: DerpMap) {
  return {
    // Clients of the reference crash without it.
    homeParams: {},
    regions: Object.fromEntries(
      Object.entries(Regions).map(([id, region]) => [
        id,
        {
          regionId: BigInt(region.RegionID),
          embeddedRelay: region.EmbeddedRelay ?? false,
          regionCode: region.RegionCode,
          regionName: region.RegionName,
          avoid: region.Avoid ?? false,
          nodes: region.Nodes.map((node) => ({
            name: node.Name,
            regionId: BigInt(node.RegionID),
            hostName: node.HostName,
            certName: node.CertName ?? '',
            ipv4: node.IPv4 ?? '',
            ipv6: node.IPv6 ?? '',
            stunPort: node.STUNPort ?? 0,
            stunOnly: node.STUNOnly ?? false,
            derpPort: node.DERPPort ?? 0,
            insecureForTests: node.InsecureForTests ?? false,
            forceHttp: node.ForceHTTP ?? false,
            stunTestIp: node.STUNTestIP ?? '',
            canPort80: node.CanPort80 ?? false,
          })),
        },
      ]),
    ),
  }
}
