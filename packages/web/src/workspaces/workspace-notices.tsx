import { useQuery } from '@tanstack/react-query'

import type { Workspace } from '@slipway/contract'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { templateQuery, versionQuery } from '../templates/queries.ts'
import { Button } from '../ui/button.tsx'
import { Notice } from '../ui/notice.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import type { OfferedAction } from './use-workspace-actions.tsx'
import { agentsOf } from './workspace-look.ts'

/** What the viewer should know about a workspace, each with what to do about it (UI-722). */
export function WorkspaceNotices({
  workspace,
  actions,
}: {
  readonly workspace: Workspace
  readonly actions: readonly OfferedAction[]
}) {
  const { latest_build: build } = workspace
  const update = actions.find(({ action }) => action === 'update-start' || action === 'update-restart')
  const activate = actions.find(({ action }) => action === 'activate')
  const matched = build.matched_provisioners
  const startFailed = agentsOf(workspace).find((agent) => agent.lifecycle_state === 'start_error')
  return (
    <div className="flex flex-col gap-3 empty:hidden">
      {workspace.dormant_at === null ? null : (
        <Notice
          tone="warn"
          title="This workspace is dormant"
          {...(activate === undefined ? {} : { action: <ActionButton offer={activate} /> })}
        >
          It was put to sleep <TimeAgo time={workspace.dormant_at} />, because nobody had used it for long.
          {workspace.deleting_at === null ? null : (
            <>
              {' '}
              It is deleted <TimeAgo time={workspace.deleting_at} /> unless it is activated.
            </>
          )}
        </Notice>
      )}
      {build.status === 'failed' ? (
        <Notice
          tone="bad"
          title={
            build.job.error === undefined || build.job.error === ''
              ? 'The build failed'
              : `Build failed: ${build.job.error}`
          }
          action={
            <AppLink
              href={paths.workspaceParameters(workspace.owner_name, workspace.name)}
              className="text-sm font-medium text-ink underline underline-offset-3"
            >
              Edit parameters
            </AppLink>
          }
        >
          The end of the log below shows what went wrong.
        </Notice>
      ) : null}
      {build.status === 'pending' ? (
        matched !== null && matched.count === 0 ? (
          <Notice tone="bad" title="No provisioner can take this build">
            It waits for one with the tags <code>{tags(build.job.tags)}</code>. Ask an administrator to start
            one, or cancel the build.
          </Notice>
        ) : matched !== null && matched.available === 0 ? (
          <Notice tone="warn" title="All provisioners that could take this build are away">
            The build starts when one of them is back.
          </Notice>
        ) : build.job.queue_position > 0 ? (
          <Notice
            tone="info"
            title={`Waiting in the queue, place ${build.job.queue_position} of ${build.job.queue_size}`}
          />
        ) : null
      ) : null}
      {startFailed === undefined || build.status !== 'running' ? null : (
        <Notice tone="warn" title={`A startup script of ${startFailed.name} failed`}>
          You can use the workspace. Its script log below shows what is missing.
        </Notice>
      )}
      {workspace.outdated && update !== undefined ? (
        <UpdateNotice workspace={workspace} update={update} />
      ) : null}
      <DeprecationNotice workspace={workspace} />
    </div>
  )
}

function ActionButton({ offer }: { readonly offer: OfferedAction }) {
  return (
    <Button size="dense" onClick={offer.run} disabled={offer.disabled}>
      {offer.label}
    </Button>
  )
}

function UpdateNotice({
  workspace,
  update,
}: {
  readonly workspace: Workspace
  readonly update: OfferedAction
}) {
  const version = useQuery(versionQuery(workspace.template_active_version_id)).data
  return (
    <Notice
      tone="info"
      title={
        version === undefined
          ? 'A new version of the template is out'
          : `Version ${version.name} of the template is out`
      }
      action={<ActionButton offer={update} />}
    >
      {version === undefined || version.message === '' ? null : (
        <p className="whitespace-pre-wrap">{version.message}</p>
      )}
    </Notice>
  )
}

function DeprecationNotice({ workspace }: { readonly workspace: Workspace }) {
  const template = useQuery(templateQuery(workspace.organization_id, workspace.template_name)).data
  if (template?.deprecated !== true) return null
  return (
    <Notice tone="warn" title="The template of this workspace is no longer maintained">
      {template.deprecation_message}
    </Notice>
  )
}

function tags(record: Readonly<Record<string, string>>): string {
  return Object.entries(record)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
}
