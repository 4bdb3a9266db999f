import { type Actor, isAllowed, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import type { Precheck } from '../edge/index.ts'
import { workspaceObject } from '../workspaces/index.ts'
import { type AppAddress, portOf } from './app-address.ts'
import { AppPageError } from './error-page.ts'
import { narrower, type SharingLevel } from './sharing-level.ts'
import { type AppTarget, findAppTargets, findOfflineWorkspace } from './store.ts'
import type { Ticket } from './tickets.ts'

/** Outcome of an app request: let through, or the visitor has to sign in first. */
export type Admission = { readonly admitted: true; readonly ticket: Ticket } | { readonly admitted: false }

/**
 * Finds the app and decides whether this caller may reach it (AC-201, AC §9.3).
 *
 * @param onFound hears which agent serves the app, before it is decided.
 * @throws AppPageError for an app that is not there, may not be reached, or whose agent is away.
 */
export async function admit(
  context: AppContext,
  address: AppAddress,
  caller: Precheck,
  onFound: (agentId: string) => void,
): Promise<Admission> {
  if (address.accessMethod === 'path' && context.config.disablePathApps)
    throw new AppPageError(
      403,
      'Path applications are disabled',
      'This deployment serves applications only under host names of their own.',
    )
  if (address.owner === 'me') throw notThere()
  const system = systemActor('system_restricted', 'the app is looked up before it is known who asks (RB-28)')
  const { db } = context.database
  const targets = await findAppTargets(system, db, address.owner, address.workspace)
  const found = choose(address, targets)
  if (!caller.ok && caller.status === 500)
    throw new AppPageError(
      500,
      'The server could not check who you are',
      'That is a fault of the server and not of your sign-in. Try again.',
    )
  if (found === undefined) {
    if (mustSignIn(caller)) return { admitted: false }
    const stopped =
      targets.length > 0
        ? undefined
        : await findOfflineWorkspace(system, db, address.owner, address.workspace)
    throw stopped !== undefined && caller.ok && isAllowed(caller.actor, 'read', stopped)
      ? offline(context, address)
      : notThere()
  }
  onFound(found.agent.id)
  if (!mayReach(context, address, found, caller)) {
    if (mustSignIn(caller)) return { admitted: false }
    throw notThere()
  }
  requireConnected(context, address, found)
  return {
    admitted: true,
    ticket: {
      agentId: found.agent.id,
      workspaceId: found.agent.workspace_id,
      ownerId: found.agent.owner_id,
      visitorId: caller.ok ? caller.owner.id : undefined,
      appUrl: found.url,
      corsBehavior: found.agent.cors_behavior,
    },
  }
}

/** Who has not been here for long is made active by the dashboard, where signing in leads (RB-7). */
function mustSignIn(caller: Precheck): boolean {
  return !caller.ok || caller.owner.status === 'dormant'
}

function notThere(): AppPageError {
  return new AppPageError(
    404,
    'Application not found',
    'The application or workspace does not exist, or you may not see it.',
  )
}

function offline(context: AppContext, { owner, workspace }: AppAddress): AppPageError {
  const href = `${context.accessUrl().replace(/\/$/, '')}/@${owner}/${workspace}`
  return new AppPageError(400, 'Workspace Offline', 'The workspace is not running. Start it and try again.', {
    label: 'Open the workspace to start it',
    href,
  })
}

interface Chosen {
  readonly agent: AppTarget['agent']
  readonly url: string
  readonly level: SharingLevel
}

function choose(address: AppAddress, targets: readonly AppTarget[]): Chosen | undefined {
  const app = targets.find((target) => target.app?.slug === address.slugOrPort && !target.app.external)
  if (app?.app?.url !== undefined && app.app.url !== null)
    return { agent: app.agent, url: app.app.url, level: app.app.sharing_level as SharingLevel }
  const port = portOf(address.slugOrPort)
  if (port === undefined || address.accessMethod === 'path') return undefined
  const agents = targets.filter((target) => target.app === undefined)
  // Host names know no case.
  const target = agents.find(({ agent }) => agent.name.toLowerCase() === address.agent?.toLowerCase())
  if (target === undefined) return undefined
  const share = target.shares.find((one) => one.port === port.port)
  const tls = port.tls || share?.protocol === 'https'
  return {
    agent: target.agent,
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port.port}`,
    level: narrower(
      (share?.share_level as SharingLevel | undefined) ?? 'owner',
      target.agent.max_port_sharing_level,
    ),
  }
}

/** Whether a caller who was let in may stay: the app is still there and still shared with them (AC-308). */
export async function mayStay(context: AppContext, address: AppAddress, caller: Precheck): Promise<boolean> {
  // Trouble of ours is no reason to cut anybody off.
  if (!caller.ok && caller.status === 500) return true
  const system = systemActor('system_restricted', 'the app is looked up before it is known who asks (RB-28)')
  const targets = await findAppTargets(system, context.database.db, address.owner, address.workspace)
  const found = choose(address, targets)
  return found !== undefined && mayReach(context, address, found, caller)
}

/** The steps of AC §9.3, in order. */
function mayReach(context: AppContext, address: AppAddress, found: Chosen, caller: Precheck): boolean {
  const forced = address.accessMethod === 'path' && !context.config.allowPathAppSharing
  const level = forced ? 'owner' : found.level
  if (!caller.ok || caller.owner.status !== 'active') return level === 'public'
  const owns = caller.owner.id === found.agent.owner_id
  if (
    address.accessMethod === 'path' &&
    level === 'owner' &&
    !owns &&
    !context.config.allowPathAppSiteOwnerAccess
  )
    return false
  const object = workspaceObject({
    id: found.agent.workspace_id,
    owner_id: found.agent.owner_id,
    organization_id: found.agent.organization_id,
    dormant_at: found.agent.dormant_at,
    user_acl: found.agent.user_acl,
    group_acl: found.agent.group_acl,
  })
  if (isAllowed(caller.actor, 'application_connect', object)) return true
  switch (level) {
    case 'owner':
      return false
    case 'authenticated':
      return mayConnectToOwn(caller.actor)
    case 'organization':
      return (
        mayConnectToOwn(caller.actor) &&
        caller.actor.roles.some((role) => role.organizationId === found.agent.organization_id)
      )
    case 'public':
      return true
  }
}

/** Enforces the scopes of the caller's key on apps of others (AC §9.3 step 5). */
function mayConnectToOwn(actor: Actor): boolean {
  const organizations = new Set(actor.roles.map((role) => role.organizationId))
  return [...organizations].some((organization) =>
    isAllowed(actor, 'application_connect', { type: 'workspace', owner: actor.id, organization }),
  )
}

function requireConnected(context: AppContext, address: AppAddress, { agent }: Chosen): void {
  if (agent.build_transition !== 'start') throw offline(context, address)
  const { status } = agent
  if (status !== 'connected')
    throw new AppPageError(
      404,
      'Application Unavailable',
      `The workspace is not connected (${status}). Wait a moment and try again.`,
    )
}
