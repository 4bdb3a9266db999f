import { useQuery } from '@tanstack/react-query'

import type { TemplateVersion } from '@slipway/contract'
import { describeError, statusOf } from '../api/errors.ts'
import { useAddress, useRouteParam } from '../navigation/address.ts'
import { organizationsQuery } from '../session/queries.ts'
import { useCheck } from '../session/use-check.ts'
import { templateQuery, templateTitle, versionQuery } from '../templates/queries.ts'
import { ErrorPage } from '../ui/error-notice.tsx'
import { Notice } from '../ui/notice.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { PageSkeleton } from '../ui/skeleton.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { CreateForm } from './create-form.tsx'
import { mayChooseOwnerQuery } from './queries.ts'
import { useDuplicateValues } from './use-duplicate-values.ts'
import { useMatch } from './use-match.ts'

/** `…/{template}/workspace`: a new workspace from a template (UI-731). */
export function CreateWorkspacePage() {
  const [search] = useAddress()
  const name = useRouteParam('template')
  const organizations = useQuery(organizationsQuery)
  const named = useRouteParam('organization')
  const organization =
    named === '' ? (organizations.data?.find((one) => one.is_default) ?? organizations.data?.[0])?.id : named
  const template = useQuery({
    ...templateQuery(organization ?? '', name),
    enabled: organization !== undefined,
  })
  const versionId = search.version ?? template.data?.active_version_id
  const version = useQuery({ ...versionQuery(versionId ?? ''), enabled: versionId !== undefined })
  const chooses = useQuery({
    ...mayChooseOwnerQuery(template.data?.organization_id ?? ''),
    enabled: template.data !== undefined,
  })
  const duplicate = useDuplicateValues(search.mode === 'duplicate' ? search.from : undefined)
  const fromAddress = Object.fromEntries(
    Object.entries(search).flatMap(([key, value]) =>
      key.startsWith('param.') ? [[key.slice('param.'.length), value]] : [],
    ),
  )
  const auto = search.mode === 'auto'
  const mayCreate = useCheck(
    'create',
    auto && template.data !== undefined
      ? { resource_type: 'workspace', organization_id: template.data.organization_id, owner_id: 'me' }
      : undefined,
  )
  const match = useMatch(auto ? search.match : undefined)
  const held =
    template.data !== undefined &&
    version.data !== undefined &&
    (chooses.isPending || (auto && mayCreate === undefined) || match.pending)
  if (template.data === undefined || version.data === undefined || duplicate.pending || held) {
    const error = template.error ?? version.error ?? organizations.error
    if (error === null) return <PageSkeleton />
    return (
      <ErrorPage
        title={statusOf(error) === 404 ? `There is no template ${name}` : 'The template could not be read'}
        error={error}
        onRetry={() => void (template.data === undefined ? template : version).refetch()}
      />
    )
  }
  return (
    <Page width="narrow">
      <PageHeader
        title="New workspace"
        documentTitle={`New workspace - ${templateTitle(template.data)} - Workspaces`}
        lead={
          <span className="inline-flex size-11 shrink-0 items-center justify-center rounded-card border border-line bg-surface">
            <ThingIcon src={template.data.icon} className="size-6" />
          </span>
        }
        context={`From ${templateTitle(template.data)}`}
      />
      <div className="flex flex-col gap-4">
        {template.data.deprecated ? (
          <Notice tone="warn" title="This template is no longer maintained">
            {template.data.deprecation_message}
          </Notice>
        ) : null}
        {auto ? (
          <Notice tone="info" title="Somebody gave you this link">
            Check the values before you create the workspace: they come from the link, not from you.
          </Notice>
        ) : null}
        {isImporting(version.data) ? (
          <Notice tone="info" title="This template is still being imported">
            The form appears as soon as that is done.
          </Notice>
        ) : (
          <CreateForm
            key={version.data.id}
            template={template.data}
            version={version.data}
            name={search.name}
            preset={search.preset}
            values={{ ...duplicate.values, ...fromAddress }}
            origins={
              new Map([
                ...Object.keys(duplicate.values).map((key) => [key, 'Copied'] as const),
                ...Object.keys(fromAddress).map((key) => [key, 'From the link'] as const),
              ])
            }
            {...(auto
              ? {
                  link: {
                    values: fromAddress,
                    obstacle:
                      mayCreate === false
                        ? 'You may not create workspaces in this organization.'
                        : match.error === null
                          ? undefined
                          : `Whether there is one already could not be found out: ${describeError(match.error).message}`,
                  },
                }
              : {})}
            locked={new Set((search.disable_params ?? '').split(',').filter((key) => key !== ''))}
          />
        )}
      </div>
    </Page>
  )
}

/** What the parameters are is known when the import is done; until then the server refuses to say. */
function isImporting({ job }: TemplateVersion): boolean {
  return job.status === 'pending' || job.status === 'running'
}
