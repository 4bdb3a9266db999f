import { useMutation, useQuery } from '@tanstack/react-query'
import { Archive, ArchiveRestore, ArrowUpToLine, GitCommitHorizontal } from 'lucide-react'
import { useState } from 'react'

import {
  archiveTemplateVersion,
  setActiveTemplateVersion,
  type TemplateVersion,
  unarchiveTemplateVersion,
} from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { useAddress } from '../navigation/address.ts'
import { AppLink, usePathname } from '../navigation/app-link.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { LabelledToggle, Mark } from '../ui/form.tsx'
import { Menu } from '../ui/menu.tsx'
import { StateBadge } from '../ui/state-badge.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { toasts } from '../ui/toast.tsx'
import { jobLook } from '../workspaces/workspace-look.ts'
import { versionsQuery } from './queries.ts'
import { useTemplate } from './template-context.ts'

/** The versions of a template, the newest first (UI-1002). */
export function VersionsPage() {
  const { template, mayUpdate } = useTemplate()
  const [search, change] = useAddress()
  const archived = search.archived === 'true'
  const base = usePathname().replace(/\/+$/, '')
  const versions = useQuery(versionsQuery(template.id, archived))
  const [promoted, setPromoted] = useState<TemplateVersion>()
  const refresh = async () => {
    await Promise.all([
      queries.invalidateQueries({ queryKey: ['template-versions', template.id] }),
      queries.invalidateQueries({ queryKey: ['template'] }),
      queries.invalidateQueries({ queryKey: ['templates'] }),
    ])
  }
  const promote = useMutation({
    mutationFn: (version: TemplateVersion) =>
      api.call(setActiveTemplateVersion, { params: { template: template.id }, body: { id: version.id } }),
    onSuccess: async (_, version) => {
      await refresh()
      setPromoted(undefined)
      toasts.done(`${version.name} is now the active version`)
    },
  })
  const archive = useMutation({
    mutationFn: (version: TemplateVersion) =>
      api.call(version.archived ? unarchiveTemplateVersion : archiveTemplateVersion, {
        params: { templateversion: version.id },
      }),
    onSuccess: refresh,
    onError: (error) => toasts.failed('The version was not archived', error),
  })
  const columns: readonly Column<TemplateVersion>[] = [
    {
      id: 'name',
      header: 'Version',
      cell: (row) => (
        <span className="flex min-w-0 flex-col">
          <span className="flex min-w-0 items-center gap-2">
            <AppLink
              href={`${base}/${encodeURIComponent(row.name)}`}
              className="truncate font-medium hover:text-accent"
            >
              {row.name}
            </AppLink>
            {row.id === template.active_version_id ? <Mark>Active</Mark> : null}
            {row.archived ? <Mark>Archived</Mark> : null}
          </span>
          {row.message === '' ? null : <span className="truncate text-xs text-ink-2">{row.message}</span>}
        </span>
      ),
    },
    {
      id: 'state',
      header: 'Import',
      className: '@max-xl:pl-4',
      cell: (row) => (
        <span title={row.job.error}>
          <StateBadge look={jobLook(row.job.status)} since={row.job.started_at ?? row.created_at} />
        </span>
      ),
    },
    {
      id: 'author',
      header: 'By',
      from: 'md',
      cell: (row) => <span className="text-ink-2">{row.created_by.username}</span>,
    },
    {
      id: 'created',
      header: 'Created',
      from: 'sm',
      cell: (row) => (
        <span className="whitespace-nowrap text-ink-2">
          <TimeAgo time={row.created_at} />
        </span>
      ),
    },
  ]
  const rows =
    versions.data === undefined
      ? undefined
      : [...versions.data].sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at))
  return (
    <div className="flex flex-col gap-4">
      {versions.isError ? (
        <ErrorNotice
          error={versions.error}
          title="The versions could not be read"
          onRetry={() => void versions.refetch()}
        />
      ) : null}
      {versions.isError && rows === undefined ? null : (
        <div className="rounded-card border border-line bg-surface">
          <Table
            label="Versions"
            columns={columns}
            rows={rows}
            rowKey={(row) => row.id}
            rowLabel={(row) => row.name}
            empty={
              <EmptyState icon={GitCommitHorizontal} title="No versions to show">
                {archived
                  ? 'Import one with the command line.'
                  : 'Those that are archived can be shown below.'}
              </EmptyState>
            }
            {...(mayUpdate
              ? {
                  actions: (row: TemplateVersion) => {
                    const active = row.id === template.active_version_id
                    return (
                      <Menu
                        label={`Actions for ${row.name}`}
                        groups={[
                          [
                            {
                              id: 'promote',
                              label: 'Make active',
                              icon: ArrowUpToLine,
                              disabled: active || row.archived || row.job.status !== 'succeeded',
                              hint: active
                                ? 'This is the active version'
                                : row.job.status === 'succeeded'
                                  ? undefined
                                  : 'Its import did not succeed',
                              onSelect: () => setPromoted(row),
                            },
                          ],
                          [
                            {
                              id: 'archive',
                              label: row.archived ? 'Restore' : 'Archive',
                              icon: row.archived ? ArchiveRestore : Archive,
                              disabled: active || archive.isPending,
                              onSelect: () => archive.mutate(row),
                            },
                          ],
                        ]}
                      />
                    )
                  },
                }
              : {})}
          />
        </div>
      )}
      <LabelledToggle
        kind="switch"
        label="Show archived versions"
        checked={archived}
        onChange={(on) => change({ archived: on ? 'true' : undefined })}
      />
      <ConfirmDialog
        open={promoted !== undefined}
        onClose={() => setPromoted(undefined)}
        title={`Make ${promoted?.name ?? ''} the active version?`}
        description="New workspaces use it. Existing ones are outdated until they are updated. If it needs new values, their autostart waits for the update."
        verb="Make active"
        busy={promote.isPending}
        error={promote.error}
        onConfirm={() => (promoted === undefined ? undefined : promote.mutate(promoted))}
      />
    </div>
  )
}
