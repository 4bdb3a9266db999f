import { useMutation, useQuery } from '@tanstack/react-query'
import { CircleSlash, Copy, ListChecks, ServerCog, SquareArrowOutUpRight } from 'lucide-react'
import { useState } from 'react'

import {
  cancelBuild,
  cancelDryRun,
  cancelTemplateVersion,
  getBuild,
  type ProvisionerJob,
} from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { useAddress } from '../navigation/address.ts'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { useOrganization } from '../organizations/organization-context.ts'
import { OrganizationPage } from '../organizations/organization-page.tsx'
import { paths } from '../paths.ts'
import { copyText } from '../ui/copy-text.ts'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { FilterButton } from '../ui/filter-menu.tsx'
import { Menu } from '../ui/menu.tsx'
import { StateBadge } from '../ui/state-badge.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { toasts } from '../ui/toast.tsx'
import { jobLook } from '../workspaces/workspace-look.ts'
import { ListFrame, NoneLikeThat } from './list-frame.tsx'
import { JOB_STATES, jobTitle } from './provisioner-words.ts'
import { isUnderWay, jobsQuery } from './queries.ts'
import { Tags } from './tags.tsx'

/** `/organizations/{org}/provisioner-jobs`: what was built, what is being built and what waits (UI-1402, PR-40). */
export function JobsPage() {
  const { organization, may } = useOrganization()
  const [search, change] = useAddress()
  const { ids, tags } = search
  const status = JOB_STATES.find((one) => one === search.status)
  const list = useQuery({
    ...jobsQuery(organization.id, search),
    enabled: may.viewProvisionerJobs,
  })
  const [doomed, setDoomed] = useState<ProvisionerJob>()
  return (
    <OrganizationPage
      page="provisioner-jobs"
      lack={
        may.viewProvisionerJobs ? undefined : { what: 'see the jobs', permission: 'provisioner_jobs:read' }
      }
    >
      <ListFrame
        about="Template imports and workspace builds, newest first."
        control={
          <Menu
            label="State"
            trigger={
              <FilterButton label="State" value={status === undefined ? undefined : jobLook(status).label} />
            }
            groups={[
              [
                {
                  id: 'any',
                  label: 'Any',
                  checked: status === undefined,
                  onSelect: () => change({ status: undefined }),
                },
              ],
              JOB_STATES.map((one) => ({
                id: one,
                label: jobLook(one).label,
                checked: one === status,
                onSelect: () => change({ status: one }),
              })),
            ]}
          />
        }
        failure="The jobs could not be read"
        list={list}
      >
        <Table
          label="Jobs"
          columns={columns(organization.name, (wanted) => change({ tags: JSON.stringify(wanted) }))}
          rows={list.data}
          rowKey={(row) => row.id}
          rowLabel={jobTitle}
          stale={list.isPlaceholderData}
          actions={(row) => (
            <RowMenu job={row} organization={organization.name} onCancel={() => setDoomed(row)} />
          )}
          empty={
            ids !== undefined || tags !== undefined || status !== undefined ? (
              <NoneLikeThat icon={ListChecks} title="No job matches" />
            ) : (
              <EmptyState icon={ListChecks} title="No jobs yet">
                A job appears whenever somebody imports a template or starts, stops or deletes a workspace.
              </EmptyState>
            )
          }
        />
      </ListFrame>
      {doomed === undefined ? null : <CancelDialog job={doomed} onClose={() => setDoomed(undefined)} />}
    </OrganizationPage>
  )
}

function columns(
  organization: string,
  onTags: (tags: Readonly<Record<string, string>>) => void,
): readonly Column<ProvisionerJob>[] {
  return [
    {
      id: 'job',
      header: 'Job',
      cell: (row) => (
        <span className="flex min-w-0 flex-col">
          <AppLink
            href={paths.provisionerJobs(organization, { ids: row.id })}
            className="truncate font-medium hover:text-accent"
          >
            {jobTitle(row)}
          </AppLink>
          {row.error === undefined || row.error === '' ? (
            <span className="truncate text-xs text-ink-2">
              {row.metadata?.template_display_name || row.metadata?.template_name}
            </span>
          ) : (
            <span className="truncate text-xs text-bad" title={row.error}>
              {row.error}
            </span>
          )}
        </span>
      ),
    },
    {
      id: 'status',
      header: 'State',
      cell: (row) => (
        <span className="flex flex-col whitespace-nowrap">
          <StateBadge look={jobLook(row.status)} since={row.started_at ?? row.created_at} />
          {row.status === 'pending' && row.queue_position > 0 ? (
            <span className="text-xs text-ink-2">
              {row.queue_position} of {row.queue_size} in the queue
            </span>
          ) : null}
        </span>
      ),
    },
    {
      id: 'worker',
      header: 'Provisioner',
      from: 'lg',
      cell: (row) =>
        row.worker_id === undefined ? (
          <span className="whitespace-nowrap text-ink-3">
            {row.status === 'pending' ? waiting(row.available_workers?.length ?? 0) : 'None'}
          </span>
        ) : (
          <AppLink
            href={paths.provisioners(organization, { ids: row.worker_id })}
            className="block max-w-44 truncate text-ink-2 hover:text-accent"
          >
            {row.worker_name || row.worker_id.slice(0, 8)}
          </AppLink>
        ),
    },
    { id: 'tags', header: 'Tags', from: 'md', cell: (row) => <Tags tags={row.tags} onChoose={onTags} /> },
    {
      id: 'created',
      header: 'Made',
      from: 'sm',
      cell: (row) => (
        <span className="whitespace-nowrap text-ink-2">
          <TimeAgo time={row.created_at} />
        </span>
      ),
    },
  ]
}

function waiting(count: number): string {
  return count === 0 ? 'None has its tags' : `${count} may take it`
}

function RowMenu({
  job,
  organization,
  onCancel,
}: {
  readonly job: ProvisionerJob
  readonly organization: string
  readonly onCancel: () => void
}) {
  const go = useGo()
  const open = useMutation({
    mutationFn: async () => {
      const id = job.input.workspace_build_id
      if (id === undefined) return versionPath(job, organization)
      // A job knows its build, and only the build knows whose it is.
      const build = await api.call(getBuild, { params: { workspacebuild: id } })
      return paths.workspaceBuild(build.workspace_owner_name, build.workspace_name, build.build_number)
    },
    onSuccess: (path) => (path === undefined ? undefined : go(path)),
    onError: (error) => toasts.failed('The log could not be opened', error),
  })
  const openable = job.input.workspace_build_id !== undefined || versionPath(job, organization) !== undefined
  return (
    <Menu
      label={`Actions for ${jobTitle(job)}`}
      groups={[
        [
          {
            id: 'open',
            label: 'Open the log',
            icon: SquareArrowOutUpRight,
            disabled: !openable,
            hint: openable ? undefined : 'Its version does not belong to a template',
            onSelect: () => open.mutate(),
          },
          ...(job.worker_id === undefined
            ? []
            : [
                {
                  id: 'worker',
                  label: 'Its provisioner',
                  icon: ServerCog,
                  onSelect: () => go(paths.provisioners(organization, { ids: job.worker_id ?? '' })),
                },
              ]),
          { id: 'copy', label: 'Copy the id', icon: Copy, onSelect: () => void copyText(job.id) },
        ],
        isUnderWay(job) && job.status !== 'canceling'
          ? [{ id: 'cancel', label: 'Cancel', icon: CircleSlash, danger: true, onSelect: onCancel }]
          : [],
      ]}
    />
  )
}

/** The page of the version that a job imports or tries, with its log; a version that is no template's yet has none. */
function versionPath({ metadata }: ProvisionerJob, organization: string): string | undefined {
  if (metadata?.template_id === undefined || metadata.template_version_name === '') return undefined
  const template = { organization_name: organization, name: metadata.template_name }
  return paths.templateVersion(template, metadata.template_version_name)
}

function CancelDialog({ job, onClose }: { readonly job: ProvisionerJob; readonly onClose: () => void }) {
  const cancel = useMutation({
    mutationFn: () => {
      const { workspace_build_id: build, template_version_id: version = '' } = job.input
      if (build !== undefined) return api.call(cancelBuild, { params: { workspacebuild: build } })
      return job.type === 'template_version_dry_run'
        ? api.call(cancelDryRun, { params: { templateversion: version, jobID: job.id } })
        : api.call(cancelTemplateVersion, { params: { templateversion: version } })
    },
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['provisioner-jobs', job.organization_id] })
      onClose()
    },
  })
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={`Cancel: ${jobTitle(job)}?`}
      description={
        job.type === 'workspace_build' && job.status !== 'pending'
          ? 'What it has created so far stays; the workspace may need another start or stop.'
          : 'It creates nothing.'
      }
      verb="Cancel the job"
      danger
      busy={cancel.isPending}
      error={cancel.error}
      onConfirm={() => cancel.mutate()}
    />
  )
}
