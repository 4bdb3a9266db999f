import { hkdfSync } from 'node:crypto'

import { EncryptJWT, errors, type JWTHeaderParameters, jwtDecrypt, jwtVerify, SignJWT } from 'jose'

import type { KeyRing, RingKey } from '../crypto-keys/index.ts'
import type { AppAddress } from './app-address.ts'
import type { CorsBehavior } from './cors.ts'

const TICKET_SECONDS = 60
const HANDOVER_ISSUER = 'coderd'
const HANDOVER_AUDIENCE = 'wsproxy'

/** What a ticket lets through without asking the database again (AC-190). */
export interface Ticket {
  readonly agentId: string
  readonly workspaceId: string
  readonly ownerId: string
  /** Who may use it; undefined for whoever has not signed in. */
  readonly visitorId: string | undefined
  readonly appUrl: string
  readonly corsBehavior: CorsBehavior
}

interface DerivedKeys {
  readonly signing: Uint8Array
  readonly sealing: Uint8Array
}

/**
 * Short-lived proofs for workspace apps: tickets say "this browser may reach this app for a minute", and
 * hand-overs carry a key from the dashboard's host to an app's host, encrypted (AC-190, AC-195).
 */
export class Tickets {
  readonly #keys: Pick<KeyRing, 'signing' | 'find'>
  /** Keys of tokens, by the keys that they come from: to derive one takes longer than to verify a ticket. */
  readonly #derived = new WeakMap<Buffer, DerivedKeys>()

  constructor(keys: Pick<KeyRing, 'signing' | 'find'>) {
    this.#keys = keys
  }

  #derive({ secret }: RingKey): DerivedKeys {
    let derived = this.#derived.get(secret)
    if (derived === undefined) {
      derived = {
        signing: new Uint8Array(hkdfSync('sha512', secret, '', 'workspace_apps_token', 64)),
        sealing: new Uint8Array(hkdfSync('sha256', secret, '', 'workspace_apps_api_key', 32)),
      }
      this.#derived.set(secret, derived)
    }
    return derived
  }

  /** The keys that a token names (OP-75). @throws JOSEError when they are not accepted any more. */
  async #named({ kid = '' }: Pick<JWTHeaderParameters, 'kid'>): Promise<DerivedKeys> {
    const key = await this.#keys.find(kid)
    if (key === undefined) throw new errors.JWKSNoMatchingKey()
    return this.#derive(key)
  }

  /** Signs a ticket for exactly this address. */
  async sign(address: AppAddress, ticket: Ticket): Promise<string> {
    const key = await this.#keys.signing()
    return new SignJWT({
      request: requestOf(address),
      user_id: ticket.ownerId,
      ...(ticket.visitorId === undefined ? {} : { visitor_id: ticket.visitorId }),
      workspace_id: ticket.workspaceId,
      agent_id: ticket.agentId,
      app_url: ticket.appUrl,
      cors_behavior: ticket.corsBehavior,
    })
      .setProtectedHeader({ alg: 'HS512', kid: key.id })
      .setExpirationTime(`${TICKET_SECONDS}s`)
      .sign(this.#derive(key).signing)
  }

  /** The ticket in this text; undefined when it is not ours, has expired, or is for another address (AC-191). */
  async verify(address: AppAddress, text: string): Promise<Ticket | undefined> {
    try {
      const { payload } = await jwtVerify(text, async (header) => (await this.#named(header)).signing, {
        algorithms: ['HS512'],
      })
      if (JSON.stringify(payload.request) !== JSON.stringify(requestOf(address))) return undefined
      const { user_id: ownerId, workspace_id: workspaceId, agent_id: agentId } = payload
      const { visitor_id: visitor } = payload
      const visitorId = typeof visitor === 'string' ? visitor : undefined
      const { app_url: appUrl, cors_behavior: corsBehavior } = payload
      return typeof agentId === 'string' &&
        typeof workspaceId === 'string' &&
        typeof ownerId === 'string' &&
        typeof appUrl === 'string' &&
        (corsBehavior === 'simple' || corsBehavior === 'passthru')
        ? { agentId, workspaceId, ownerId, visitorId, appUrl, corsBehavior }
        : undefined
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined
      throw error
    }
  }

  /** Encrypts a key for the app's host. */
  async handOver(apiKey: string): Promise<string> {
    const key = await this.#keys.signing()
    return new EncryptJWT({ api_key: apiKey })
      .setProtectedHeader({ alg: 'A256GCMKW', enc: 'A256GCM', kid: key.id })
      .setIssuer(HANDOVER_ISSUER)
      .setAudience(HANDOVER_AUDIENCE)
      .setNotBefore('-1 minute')
      .setExpirationTime('1 minute')
      .encrypt(this.#derive(key).sealing)
  }

  /** The key of a hand-over; undefined when it cannot be read or is too old. */
  async takeOver(text: string): Promise<string | undefined> {
    try {
      const { payload } = await jwtDecrypt(text, async (header) => (await this.#named(header)).sealing, {
        issuer: HANDOVER_ISSUER,
        audience: HANDOVER_AUDIENCE,
      })
      return typeof payload.api_key === 'string' ? payload.api_key : undefined
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined
      throw error
    }
  }
}

function requestOf(address: AppAddress): Record<string, string> {
  return {
    access_method: address.accessMethod,
    base_path: address.basePath,
    app_prefix: address.prefix,
    username_or_id: address.owner,
    workspace_name_or_id: address.workspace,
    agent_name_or_id: address.agent ?? '',
    app_slug_or_port: address.slugOrPort,
  }
}
