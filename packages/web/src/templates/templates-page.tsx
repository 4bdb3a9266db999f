import { useQuery } from '@tanstack/react-query'
import { LayoutTemplate, Plus, SearchX } from 'lucide-react'

import type { Template } from '@slipway/contract'
import { filterFault } from '../api/errors.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { useListAddress } from '../navigation/list-address.ts'
import { paths } from '../paths.ts'
import { usePermissions, useSeveralOrganizations } from '../session/session.tsx'
import { buttonClass } from '../ui/button.tsx'
import { formatDuration } from '../ui/duration.ts'
import { EmptyState } from '../ui/empty-state.tsx'
import { FilterBar } from '../ui/filter-bar.tsx'
import { Mark } from '../ui/form.tsx'
import { ListView, NothingFound } from '../ui/list-view.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { templatesQuery, templateTitle } from './queries.ts'

const PRESETS = [
  { label: 'All', filter: '' },
  { label: 'Mine', filter: 'author:me' },
  { label: 'Deprecated', filter: 'deprecated:true' },
]

const KEYS = [
  { key: 'name', about: 'part of the name' },
  { key: 'author', about: 'username, or me', values: ['me'] },
  { key: 'deprecated', about: 'no longer maintained', values: ['true', 'false'] },
  { key: 'organization', about: 'name of the organization' },
]

/** `/templates`: what workspaces can be made from (UI-1001). */
export function TemplatesPage() {
  const address = useListAddress()
  const list = useQuery(templatesQuery(address.filter))
  const permissions = usePermissions()
  const several = useSeveralOrganizations()
  const mayCreateWorkspace = permissions?.createWorkspace === true
  const create =
    permissions?.createTemplates === true ? (
      <AppLink href={paths.newTemplate()} className={buttonClass({ tone: 'primary' })}>
        <Plus className="size-4" /> New template
      </AppLink>
    ) : null
  const columns: readonly Column<Template>[] = [
    {
      id: 'name',
      header: 'Name',
      cell: (row) => <NameCell template={row} several={several} />,
    },
    {
      id: 'users',
      header: 'Users',
      align: 'end',
      from: 'sm',
      cell: (row) => <span className="text-ink-2">{row.active_user_count}</span>,
    },
    {
      id: 'time',
      header: 'Starts in',
      align: 'end',
      from: 'md',
      cell: (row) => {
        const usual = row.build_time_stats.start?.P50 ?? 0
        return <span className="whitespace-nowrap text-ink-2">{usual > 0 ? formatDuration(usual) : '–'}</span>
      },
    },
    {
      id: 'updated',
      header: 'Updated',
      from: 'lg',
      cell: (row) => (
        <span className="whitespace-nowrap text-ink-2">
          <TimeAgo time={row.updated_at} />
        </span>
      ),
    },
  ]
  return (
    <Page width="wide">
      <PageHeader title="Templates" context="Blueprints for workspaces" actions={create} />
      <FilterBar
        label="Filter templates"
        placeholder="name author:me deprecated:true"
        value={address.filter}
        onChange={address.setFilter}
        presets={PRESETS}
        keys={KEYS}
        error={filterFault(list.error)}
      />
      <ListView list={list} address={address} failure="The list could not be read">
        <Table
          label="Templates"
          columns={columns}
          rows={list.data}
          rowKey={(row) => row.id}
          rowLabel={templateTitle}
          actions={(row) =>
            mayCreateWorkspace ? (
              <AppLink
                href={paths.template(row, several, 'workspace')}
                aria-disabled={row.deprecated || undefined}
                aria-label={`Create workspace from ${templateTitle(row)}`}
                title={row.deprecated ? 'It is no longer maintained' : 'Create a workspace'}
                onClick={(event) => {
                  if (row.deprecated) event.preventDefault()
                }}
                className={buttonClass({ size: 'dense' })}
              >
                <Plus className="size-3.5" />
                <span className="max-sm:hidden">Create workspace</span>
              </AppLink>
            ) : null
          }
          empty={
            address.filter === '' ? (
              <EmptyState icon={LayoutTemplate} title="No templates yet" action={create}>
                {permissions?.createTemplates === true
                  ? 'A template defines what a workspace consists of. Start from an example, or upload your own.'
                  : 'Ask an administrator of this deployment to add one.'}
              </EmptyState>
            ) : (
              <NothingFound icon={SearchX} title="No templates match the filter" address={address} />
            )
          }
        />
      </ListView>
    </Page>
  )
}

function NameCell({ template, several }: { readonly template: Template; readonly several: boolean }) {
  return (
    <span className="flex min-w-0 items-center gap-3">
      <ThingIcon src={template.icon} className="size-6" />
      <span className="min-w-0">
        <span className="flex min-w-0 items-center gap-2">
          <AppLink
            href={paths.template(template, several)}
            className="truncate font-medium hover:text-accent"
          >
            {templateTitle(template)}
          </AppLink>
          {template.deprecated ? <Mark>Deprecated</Mark> : null}
          {several ? (
            <span className="truncate text-xs text-ink-3">{template.organization_display_name}</span>
          ) : null}
        </span>
        {template.description === '' ? null : (
          <span className="block truncate text-xs text-ink-2">{template.description}</span>
        )}
      </span>
    </span>
  )
}
