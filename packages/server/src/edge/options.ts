import type { FastifyReply, FastifyRequest } from 'fastify'

import type { Logger } from '@slipway/request-log'
import type { FindAgent } from './agent-access.ts'
import type { AddressResolver } from './client-address.ts'
import type { CookiePolicy } from './cookies.ts'
import type { Precheck } from './precheck.ts'
import type { QueryTokenPolicy } from './query-tokens.ts'
import type { SharedCounters } from './rate-limit.ts'
import type { Visit } from './redirect-to-access-url.ts'
import type { RequestContext } from './request-context.ts'
import type { Accepted } from './session-access.ts'
import type { OpenStreams } from './streams.ts'
import type { Credential } from './token-source.ts'

/** What the edge needs from the rest of the server. */
export interface EdgeOptions {
  readonly log: Logger
  readonly version: string
  readonly accessUrl: string
  /** What pages call the product (OP-154). */
  readonly applicationName: () => string
  /** Where a request belongs that has come to another host or without TLS; absent where all are answered (OP-23). */
  readonly redirect?: ((visit: Visit) => string | undefined) | undefined
  readonly addresses: AddressResolver
  readonly cookies: CookiePolicy
  readonly queryTokens: QueryTokenPolicy
  readonly apiRateLimit: number
  readonly limitsDisabled: boolean
  /** Counts with other replicas; absent where each counts for itself (ID-208). */
  readonly sharedCounters?: SharedCounters | undefined
  /** Records the decisions of every request; in development builds only (ID-142). */
  readonly recordDecisions: boolean
  readonly allowAllOrigins: boolean
  /** How long the body of a request to the API may take, in milliseconds; two minutes unless a test cannot wait. */
  readonly bodyTimeout?: number
  /** Validates a token in full, at once when its rows are known; never rejects (ID-62). */
  readonly validate: (
    credential: Credential | undefined,
    context: RequestContext,
  ) => Precheck | Promise<Precheck>
  /** Makes a dormant user active, with its audit (ID-68). */
  readonly activate: (accepted: Accepted) => Promise<Accepted>
  readonly findAgent: FindAgent
  readonly streams: OpenStreams
  readonly apps: AppDispatch
  /** Refuses addresses below which nothing answers while it is switched off, those of no route too. @throws ApiError 403. */
  readonly gate?: ((url: string) => void) | undefined
  /** Answers requests that are for no route of the API. */
  readonly page: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>
}

/** Workspace apps, as the edge sees them: some requests are theirs, whatever their path says (AC-183). */
export interface AppDispatch {
  /** Whether a request is for an app, which then answers it within the limits of the API (AC-215, ID-123). */
  claim(host: string, url: string): ClaimedRequest | undefined
}

/** A request that an app answers. */
export interface ClaimedRequest {
  /** Its pattern, in place of a route's (ID-115). */
  readonly route: string
  /** A cookie of its own that goes before all other places of a token, for the limit of the API as well (ID-67, ID-120). */
  readonly sessionCookie?: string
  serve(request: FastifyRequest, reply: FastifyReply): Promise<void>
}

declare module 'fastify' {
  interface FastifyInstance {
    /** What pages call the product (OP-154). */
    applicationName: () => string
  }
  interface FastifyRequest {
    context: RequestContext
    claimed: ClaimedRequest | undefined
    cookieValues: Readonly<Record<string, string>>
    search: URLSearchParams
    /** The query as far as tokens in it count (ID-202). */
    credentialSearch: URLSearchParams
    /** The form must still prove that a page of ours sent it (ID-128). */
    provesInForm: boolean
  }
}
