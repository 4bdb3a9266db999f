import { createHash } from 'node:crypto'

import type { FastifyReply, FastifyRequest } from 'fastify'

import { describeError } from '@slipway/request-log'
import type { AgentTunnels, RightsWatch } from '../agents/index.ts'
import type { ConnectionLogger } from '../connection-log/index.ts'
import type { AppContext } from '../context.ts'
import { KeyRing } from '../crypto-keys/index.ts'
import {
  type ClaimedRequest,
  type Credential,
  type NextStep,
  type OpenStreams,
  PATH_APP_SESSION_COOKIE,
  type Precheck,
  type RequestContext,
  SIGNED_APP_COOKIE,
  SUBDOMAIN_APP_SESSION_COOKIE_PREFIX,
  setCookie,
  tokenOf,
} from '../edge/index.ts'
import type { UsageRecorder } from '../usage/index.ts'
import { noteUse } from '../workspaces/index.ts'
import {
  type AppAddress,
  otherPortHost,
  pathAppAddress,
  portOf,
  subdomainAddress,
  wildcardLabel,
} from './app-address.ts'
import { type Admission, admit, mayStay } from './authorize-app.ts'
import { answerPreflight, friendlyOrigin, isPreflight } from './cors.ts'
import { AppPageError, sendError } from './error-page.ts'
import { bearerKey, queryKey, withoutParameters } from './own-credentials.ts'
import { proxy } from './proxy.ts'
import { type Ticket, Tickets } from './tickets.ts'

/** Query under which a hand-over arrives (AC-195). */
const HANDOVER = 'coder_application_connect_api_key_35e783'
const LOGOUT_LABEL = 'coder-logout'
/** Patterns for logs and metrics (ID-115). */
const PATH_ROUTE = '/@{user}/{workspace_and_agent}/apps/{workspaceapp}/*'
const SUBDOMAIN_ROUTE = 'SUBDOMAIN_APP'

/** What a request is for, when it is for an app. */
type AppClaim =
  | { readonly kind: 'app'; readonly address: AppAddress }
  | { readonly kind: 'logout' }
  | { readonly kind: 'bad-label' }

/** Serves workspace apps: knows which requests are theirs, who may pass, and where they go (AC §9). */
export class AppServer {
  readonly #context: AppContext
  readonly #tunnels: AgentTunnels
  readonly #streams: OpenStreams
  readonly #validate: (
    credential: Credential | undefined,
    context: RequestContext,
    isUse?: boolean,
  ) => Precheck | Promise<Precheck>
  readonly #tickets: Tickets
  readonly #subdomainCookie: string
  readonly #rights: RightsWatch
  readonly #connections: ConnectionLogger
  readonly #usage: Pick<UsageRecorder, 'app'>

  constructor(options: {
    readonly context: AppContext
    readonly tunnels: AgentTunnels
    readonly rights: RightsWatch
    readonly streams: OpenStreams
    readonly connections: ConnectionLogger
    readonly usage: Pick<UsageRecorder, 'app'>
    readonly validate: (
      credential: Credential | undefined,
      context: RequestContext,
      isUse?: boolean,
    ) => Precheck | Promise<Precheck>
  }) {
    this.#context = options.context
    this.#tunnels = options.tunnels
    this.#streams = options.streams
    this.#rights = options.rights
    this.#connections = options.connections
    this.#usage = options.usage
    this.#validate = options.validate
    this.#subdomainCookie = subdomainCookie(options.context.config.wildcardAccessUrl)
    this.#tickets = new Tickets(new KeyRing(options.context, 'workspace_app_tickets'))
  }

  /** Encrypts a key for an app's host (AC-195). */
  handOver(apiKey: string): Promise<string> {
    return this.#tickets.handOver(apiKey)
  }

  /** Whether a request is for an app, by its host first and then by its path (AC-183). */
  claim(host: string, url: string): ClaimedRequest | undefined {
    const label = wildcardLabel(this.#context.config.wildcardAccessUrl, host)
    if (label !== undefined && !this.#isOwnHost(host)) {
      const address = subdomainAddress(label, url)
      const claim: AppClaim =
        label === LOGOUT_LABEL
          ? { kind: 'logout' }
          : address === undefined
            ? { kind: 'bad-label' }
            : { kind: 'app', address }
      return {
        route: SUBDOMAIN_ROUTE,
        sessionCookie: this.#subdomainCookie,
        serve: (request, reply) => this.#serve(claim, request, reply),
      }
    }
    const address = pathAppAddress(url)
    return address === undefined
      ? undefined
      : {
          route: PATH_ROUTE,
          sessionCookie: PATH_APP_SESSION_COOKIE,
          serve: (request, reply) => this.#serve({ kind: 'app', address }, request, reply),
        }
  }

  #isOwnHost(host: string): boolean {
    const own = this.#context.accessUrl()
    const plain = host.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '')
    return own !== '' && new URL(own).hostname === plain
  }

  /** Answers a claimed request; failures become pages. */
  async #serve(claim: AppClaim, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    try {
      switch (claim.kind) {
        case 'logout':
          reply.code(303).header('Location', this.#context.accessUrl()).send()
          return
        case 'bad-label':
          throw new AppPageError(
            400,
            'Invalid application URL',
            'The host name does not name an application of a workspace.',
          )
        case 'app':
          await this.#serveApp(claim.address, request, reply)
      }
    } catch (error) {
      if (reply.sent) return
      if (error instanceof AppPageError) {
        sendError(request, reply, error, this.#context.accessUrl())
        return
      }
      this.#context.log.warn('a request to an app failed', { error: describeError(error) })
      sendError(
        request,
        reply,
        new AppPageError(502, 'The application cannot be reached', `Try again. Reference: ${request.id}`),
        this.#context.accessUrl(),
      )
    }
  }

  async #serveApp(address: AppAddress, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const handedOver = request.search.get(HANDOVER)
    if (handedOver !== null) return this.#takeOver(address, handedOver, request, reply)
    if (address.target === '') {
      const query = request.url.includes('?') ? request.url.slice(request.url.indexOf('?')) : ''
      reply.code(307).header('Location', `${address.basePath}${query}`).send()
      return
    }
    const origin = friendlyOrigin(this.#context.config.wildcardAccessUrl, address, request.headers.origin)
    if (origin !== undefined && isPreflight(request)) return answerPreflight(request, reply, origin)
    const ticket =
      (await this.#storedTicket(address, request)) ?? (await this.#newTicket(address, request, reply))
    if (ticket === undefined) return
    if (ticket.corsBehavior === 'simple' && isPreflight(request))
      return answerPreflight(request, reply, undefined)
    const appUrl = new URL(ticket.appUrl)
    if (address.target === '/' && appUrl.search !== '') {
      reply.code(307).header('Location', `${address.basePath}${appUrl.search}`).send()
      return
    }
    const { context } = request
    const upgrade = this.#streams.isUpgrade(request)
    const otherForm = this.#otherForm(address, request)
    const port = portOf(address.slugOrPort)
    if (port?.tls === false && appUrl.protocol === 'https:' && otherForm !== undefined && !upgrade) {
      // AC-311: the port is shared as HTTPS, which this name does not say.
      reply.code(307).header('Location', otherForm.href).send()
      return
    }
    const token = this.#token(address, request)
    if (upgrade && ticket.corsBehavior === 'simple') this.#refuseForeignSocket(address, request)
    const [authorization, parameter] = [bearerKey(request.headers.authorization), queryKey(request.search)]
    const own = new Set(['coder_session_token'])
    if (await this.#isOurs(parameter, context)) own.add('access_token')
    await proxy(request, reply, this.#streams, {
      tunnel: await this.#tunnels.get(ticket.agentId),
      appUrl,
      path: `${appUrl.pathname.replace(/\/$/, '')}${withoutParameters(address.target, own)}`,
      cors: ticket.corsBehavior === 'simple' ? { origin } : undefined,
      keepsAuthorization: await this.#isOurs(authorization, context),
      otherForm,
      opener: upgrade ? await this.#validate(token, context) : context.precheck,
      onOpen: (carrier, end) => {
        const { socket } = request.raw
        this.#noteApp(address, ticket)
        let read = socket.bytesRead
        const still = async (): Promise<boolean> => {
          // Who says something uses the session (ID-211); that the server asks is no use.
          const isUse = socket.bytesRead !== read
          read = socket.bytesRead
          if (isUse) this.#noteApp(address, ticket)
          return mayStay(this.#context, address, await this.#validate(token, context, isUse))
        }
        this.#rights.watch(carrier, still, end)
      },
    })
  }

  /** Notes that the visitor uses the app (AC-104); ports are no apps of the template, and nobody knows who is not signed in. */
  #noteApp({ slugOrPort }: AppAddress, { agentId, visitorId }: Ticket): void {
    if (visitorId !== undefined && portOf(slugOrPort) === undefined)
      this.#usage.app(agentId, visitorId, slugOrPort)
  }

  /** The same port with TLS and without (AC-181, AC-213). */
  #otherForm({ slugOrPort }: AppAddress, request: FastifyRequest): NextStep | undefined {
    const port = portOf(slugOrPort)
    const host = port === undefined ? undefined : otherPortHost(request.context.host)
    return host === undefined
      ? undefined
      : {
          label: `Open it with ${port?.tls === true ? 'HTTP' : 'HTTPS'}`,
          href: `${request.context.scheme}://${host}${request.url}`,
        }
  }

  /** Whether this is a key of ours, which no app may see (AC-197); one that cannot be checked now counts as ours. */
  async #isOurs(key: string | undefined, context: RequestContext): Promise<boolean> {
    if (key === undefined) return false
    const caller = await this.#validate(key, context)
    // Good, but not here or not alone: still ours.
    return caller.ok || caller.hard || caller.reason === 'audience' || caller.reason === 'unproven'
  }

  /**
   * Browsers send cookies with WebSockets between hosts of one site and ask nobody: apps of other owners may not
   * open them (AC-214). @throws AppPageError 403.
   */
  #refuseForeignSocket(address: AppAddress, request: FastifyRequest): void {
    const { origin } = request.headers
    const wildcard = this.#context.config.wildcardAccessUrl
    if (origin === undefined || !URL.canParse(origin)) return
    if (wildcardLabel(wildcard, new URL(origin).host) === undefined) return
    if (friendlyOrigin(wildcard, address, origin) !== undefined) return
    throw new AppPageError(
      403,
      'The connection is not allowed',
      'A page of another owner cannot open connections to this application.',
    )
  }

  async #storedTicket(address: AppAddress, request: FastifyRequest): Promise<Ticket | undefined> {
    const text = request.cookieValues[SIGNED_APP_COOKIE]
    return text === undefined ? undefined : this.#tickets.verify(address, text)
  }

  async #newTicket(
    address: AppAddress,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<Ticket | undefined> {
    const caller = await this.#validate(this.#token(address, request), request.context)
    const admission = await this.#admit(address, caller, request)
    if (!admission.admitted) {
      this.#toSignIn(address, request, reply)
      return undefined
    }
    await noteUse(this.#context, admission.ticket.workspaceId)
    const signed = await this.#tickets.sign(address, admission.ticket)
    const cookie = setCookie(SIGNED_APP_COOKIE, signed, this.#context.cookies, {
      path: address.basePath,
      maxAge: 60,
    })
    // The proxy writes the app's own headers, so that ours has to be on the raw response before it.
    reply.raw.appendHeader('Set-Cookie', cookie)
    return admission.ticket
  }

  /** Decides, and notes the visit to an app that is there for the connection log (RB-110, RB-111). */
  async #admit(address: AppAddress, caller: Precheck, request: FastifyRequest): Promise<Admission> {
    let agentId: string | undefined
    let status = 500
    try {
      const admission = await admit(this.#context, address, caller, (id) => {
        agentId = id
      })
      status = admission.admitted ? 200 : 303
      return admission
    } catch (error) {
      if (error instanceof AppPageError) status = error.status
      throw error
    } finally {
      if (agentId !== undefined)
        await this.#connections.record({
          kind: 'visit',
          type: portOf(address.slugOrPort) === undefined ? 'workspace_app' : 'port_forwarding',
          agentId,
          time: this.#context.clock.now(),
          ip: request.context.remoteAddress,
          userId: caller.ok ? caller.owner.id : undefined,
          userAgent: request.headers['user-agent'] ?? '',
          slugOrPort: address.slugOrPort,
          status,
        })
    }
  }

  /** The session for this way of access: its own cookie, then the usual places (AC-193). */
  #token(address: AppAddress, request: FastifyRequest): Credential | undefined {
    const own =
      request.cookieValues[address.accessMethod === 'path' ? PATH_APP_SESSION_COOKIE : this.#subdomainCookie]
    return (
      own ??
      tokenOf({ cookies: request.cookieValues, headers: request.headers, query: request.credentialSearch })
    )
  }

  /** AC-194: path apps lead to the sign-in page, subdomains to the dashboard's host and back. */
  #toSignIn(address: AppAddress, request: FastifyRequest, reply: FastifyReply): void {
    const access = this.#context.accessUrl().replace(/\/$/, '')
    if (address.accessMethod === 'path') {
      const back = new URLSearchParams({ redirect: request.url })
      reply.code(303).header('Location', `/login?${back}`).send()
      return
    }
    const here = `${request.context.scheme}://${request.context.host}${request.url}`
    const query = new URLSearchParams({ redirect_uri: here })
    reply.code(303).header('Location', `${access}/api/v2/applications/auth-redirect?${query}`).send()
  }

  /** AC-196: the key becomes a cookie of the app's host, and leaves the address bar. */
  async #takeOver(
    address: AppAddress,
    handedOver: string,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const key = address.accessMethod === 'path' ? undefined : await this.#tickets.takeOver(handedOver)
    if (key === undefined)
      throw new AppPageError(
        400,
        'The sign-in link cannot be used',
        'It is too old or was changed. Open the application again.',
      )
    const wildcard = this.#context.config.wildcardAccessUrl.replace(/:\d+$/, '')
    const domain = wildcard.slice(wildcard.indexOf('.'))
    reply
      .code(303)
      .header('Set-Cookie', setCookie(this.#subdomainCookie, key, this.#context.cookies, { domain }))
      .header('Location', withoutParameters(request.url, new Set([HANDOVER])).replace(/^[/\\]+/, '/'))
      .send()
  }
}

/** Name of the session cookie of apps under this wildcard; deployments that share a domain have one each. */
function subdomainCookie(wildcard: string): string {
  const digest = createHash('sha256').update(wildcard).digest('hex')
  return `${SUBDOMAIN_APP_SESSION_COOKIE_PREFIX}_${digest.slice(0, 32)}`
}
