import { useQuery } from '@tanstack/react-query'
import { useId, useState } from 'react'

import type { TemplateVersion, Workspace } from '@slipway/contract'
import { versionsQuery } from '../templates/queries.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Mark } from '../ui/form.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'

/** Which version of its template a workspace is started with next, the newest first (UI-715). */
export function ChangeVersionDialog({
  workspace,
  onClose,
  onChoose,
}: {
  readonly workspace: Workspace
  readonly onClose: () => void
  readonly onChoose: (versionId: string) => void
}) {
  const versions = useQuery(versionsQuery(workspace.template_id, false))
  const present = workspace.latest_build.template_version_id
  const [chosen, setChosen] = useState(present)
  const group = useId()
  const usable = versions.data
    ?.filter(({ id, job }) => job.status === 'succeeded' || id === present)
    .toSorted((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at))
  const running = workspace.latest_build.status === 'running'
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Change the version of ${workspace.name}`}
      description={
        running
          ? 'It restarts with the version that you choose.'
          : 'It starts with the version that you choose.'
      }
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" disabled={chosen === present} onClick={() => onChoose(chosen)}>
            {running ? 'Change and restart' : 'Change and start'}
          </Button>
        </>
      }
    >
      <ErrorNotice
        error={versions.error}
        title="The versions could not be read"
        onRetry={() => void versions.refetch()}
      />
      {usable === undefined ? (
        versions.isError ? null : (
          <AfterDelay>
            <div className="skeleton h-40 rounded-control" />
          </AfterDelay>
        )
      ) : (
        <fieldset className="max-h-72 overflow-y-auto rounded-control border border-line">
          <legend className="sr-only">Version</legend>
          {usable.map((version) => (
            <Choice
              key={version.id}
              group={group}
              version={version}
              active={version.id === workspace.template_active_version_id}
              present={version.id === present}
              checked={version.id === chosen}
              onChoose={() => setChosen(version.id)}
            />
          ))}
        </fieldset>
      )}
    </Dialog>
  )
}

function Choice({
  group,
  version,
  active,
  present,
  checked,
  onChoose,
}: {
  readonly group: string
  readonly version: TemplateVersion
  readonly active: boolean
  readonly present: boolean
  readonly checked: boolean
  readonly onChoose: () => void
}) {
  return (
    <label className="flex cursor-pointer items-start gap-3 border-b border-line px-3 py-2 last:border-b-0 hover:bg-hover has-focus-visible:outline-2 has-focus-visible:-outline-offset-2 has-focus-visible:outline-accent">
      <input
        type="radio"
        name={group}
        checked={checked}
        onChange={onChoose}
        className="mt-1 size-3.5 shrink-0 accent-accent outline-none"
      />
      <span className="min-w-0 flex-1">
        <span className="flex min-w-0 flex-wrap items-center gap-x-2 text-sm font-medium">
          <span className="truncate">{version.name}</span>
          {active ? <Mark>Active</Mark> : null}
          {present ? <Mark>In use</Mark> : null}
        </span>
        {version.message === '' ? null : (
          <span className="line-clamp-2 text-xs text-ink-2">{version.message}</span>
        )}
      </span>
      <span className="shrink-0 text-xs leading-5 text-ink-3">
        <TimeAgo time={version.created_at} />
      </span>
    </label>
  )
}
