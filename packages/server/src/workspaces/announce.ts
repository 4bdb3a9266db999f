import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import {
  enqueueNotification,
  enqueueToOwnersAndTemplateAdmins,
  enqueueToTemplateAdmins,
  TEMPLATES,
} from '../notifications/index.ts'
import type { TemplateRow } from '../templates/index.ts'
import type { EndedBuild } from './store/audited-builds.ts'
import type { StoppingWorkspace } from './store/autostop-reminders.ts'
import type { MarkedWorkspace } from './store/template-effects.ts'
import type { WorkspaceRow } from './store/workspaces.ts'

const actor = systemActor('provisionerd', 'owners and administrators hear of what happens to workspaces')
const NS_PER_HOUR = 3_600_000_000_000

const aboutOf = (row: WorkspaceRow): string[] => [row.id, row.owner_id, row.template_id, row.organization_id]

/** Tells administrators of templates, but not who did it, that a workspace was made (WS-138). */
export function announceCreated(context: AppContext, row: WorkspaceRow, initiatorId: string): Promise<void> {
  return enqueueToOwnersAndTemplateAdmins(context, actor, {
    templateId: TEMPLATES.workspaceCreated,
    labels: {
      workspace: row.name,
      workspace_owner_username: row.owner_name,
      template: row.template_name,
      version: row.template_version_name,
    },
    targets: aboutOf(row),
    except: [initiatorId],
  })
}

/** Tells administrators of templates, but not who did it, that a workspace was given another version (WS-181). */
export function announceUpdated(
  context: AppContext,
  row: WorkspaceRow,
  version: string,
  initiator: { readonly id: string; readonly username: string },
): Promise<void> {
  return enqueueToOwnersAndTemplateAdmins(context, actor, {
    templateId: TEMPLATES.workspaceManuallyUpdated,
    labels: {
      organization: row.organization_name,
      initiator: initiator.username,
      workspace: row.name,
      workspace_owner_username: row.owner_name,
      template: row.template_name,
      version,
    },
    targets: aboutOf(row),
    except: [initiator.id],
  })
}

/** Tells the owner that the clock, or somebody else, has made a workspace dormant (WS-164, WS section 13). */
export function announceDormant(context: AppContext, row: WorkspaceRow): Promise<void> {
  const hours = Math.round(row.template_time_til_dormant_autodelete / NS_PER_HOUR)
  return enqueueNotification(context, actor, {
    templateId: TEMPLATES.workspaceDormant,
    userId: row.owner_id,
    labels: { name: row.name, timeTilDelete: hours > 0 ? inWords(hours) : '' },
    targets: aboutOf(row),
  })
}

/** Tells owners that the template deletes their dormant workspaces by another schedule now (WS-90). */
export async function announceMarkedForDeletion(
  context: AppContext,
  workspaces: readonly MarkedWorkspace[],
  template: Pick<TemplateRow, 'id' | 'organization_id' | 'time_til_dormant_autodelete'>,
): Promise<void> {
  const timeTilDormant = inWords(Math.max(1, Math.round(template.time_til_dormant_autodelete / NS_PER_HOUR)))
  for (const { id, name, owner_id } of workspaces)
    await enqueueNotification(context, actor, {
      templateId: TEMPLATES.workspaceMarkedForDeletion,
      userId: owner_id,
      labels: { name, timeTilDormant, reason: 'its template has another rule for dormant workspaces now' },
      targets: [id, owner_id, template.id, template.organization_id],
    })
}

/** Tells the owner that a workspace stops soon (WS-239). */
export function announceAutostop(
  context: AppContext,
  workspace: StoppingWorkspace,
  now: Date,
): Promise<void> {
  const minutes = Math.max(1, Math.round((workspace.deadline.getTime() - now.getTime()) / 60_000))
  return enqueueNotification(context, actor, {
    templateId: TEMPLATES.workspaceAutostopReminder,
    userId: workspace.owner_id,
    labels: {
      workspace: workspace.name,
      timeTilShutdown:
        minutes >= 120 ? inWords(Math.round(minutes / 60)) : `${minutes} minute${minutes === 1 ? '' : 's'}`,
    },
    targets: [workspace.id, workspace.owner_id, workspace.template_id, workspace.organization_id],
  })
}

/** Tells the owner of a task that the clock has paused it (WS section 13). */
export function announceAutoPaused(context: AppContext, row: WorkspaceRow): Promise<void> {
  return enqueueNotification(context, actor, {
    templateId: TEMPLATES.taskPaused,
    userId: row.owner_id,
    labels: {
      // A workspace that is made for a task has its name.
      task: row.name,
      workspace: row.name,
      pause_reason: 'its time was over',
      task_id: row.task_id ?? '',
    },
    targets: aboutOf(row),
  })
}

/** Tells the owner that a start by itself has taken another version (WS-237). */
export function announceAutoUpdated(context: AppContext, row: WorkspaceRow): Promise<void> {
  return enqueueNotification(context, actor, {
    templateId: TEMPLATES.workspaceUpdatedAutomatically,
    userId: row.owner_id,
    labels: {
      name: row.name,
      template_version_name: row.template_version_name,
      template_version_message: '',
    },
    targets: aboutOf(row),
  })
}

/**
 * Tells whom it concerns of the end of a build: owners of what others have deleted and of what has failed by itself,
 * administrators of templates of what has failed for somebody (WS section 13).
 */
export async function announceBuild(
  context: AppContext,
  ended: EndedBuild,
  succeeded: boolean,
): Promise<void> {
  const { build, initiator, owner } = ended
  const automatic = build.reason !== 'initiator'
  const targets = [build.workspace_id, owner.id, ended.templateId, ended.organizationId]
  if (succeeded) {
    if (build.transition !== 'delete' || (!automatic && initiator.id === owner.id)) return
    return enqueueNotification(context, actor, {
      templateId: TEMPLATES.workspaceDeleted,
      userId: owner.id,
      labels: {
        name: ended.workspaceName,
        reason: build.reason === 'autodelete' ? 'autodeleted due to dormancy' : 'initiated by user',
        initiator: automatic ? 'autobuild' : initiator.username,
      },
      targets,
    })
  }
  if (ended.canceled) return
  if (automatic)
    return enqueueNotification(context, actor, {
      templateId: TEMPLATES.workspaceAutobuildFailed,
      userId: owner.id,
      labels: { name: ended.workspaceName, reason: build.reason },
      targets,
    })
  return enqueueToTemplateAdmins(context, actor, {
    templateId: TEMPLATES.workspaceManualBuildFailed,
    labels: {
      name: ended.workspaceName,
      template_name: ended.templateName,
      template_version_name: ended.versionName,
      initiator: initiator.username,
      workspace_owner_username: owner.username,
      workspace_build_number: String(build.build_number),
    },
    targets,
  })
}

function inWords(hours: number): string {
  const [count, unit] = hours >= 48 ? [Math.round(hours / 24), 'day'] : [hours, 'hour']
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}
