import { useQuery } from '@tanstack/react-query'
import { Outlet } from '@tanstack/react-router'
import { LayoutTemplate, Plus } from 'lucide-react'

import { checkAuthorization } from '@slipway/contract'
import { api } from '../api/client.ts'
import { statusOf } from '../api/errors.ts'
import { useRouteParam } from '../navigation/address.ts'
import { AppLink, usePathname } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { organizationsQuery } from '../session/queries.ts'
import { usePermissions, useSeveralOrganizations } from '../session/session.tsx'
import { buttonClass } from '../ui/button.tsx'
import { formatDuration } from '../ui/duration.ts'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorPage } from '../ui/error-notice.tsx'
import { Notice } from '../ui/notice.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { PageSkeleton } from '../ui/skeleton.tsx'
import { type TabLink, TabLinks, tabOf } from '../ui/tabs.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { templateQuery, templateTitle } from './queries.ts'
import { TemplateContext } from './template-context.ts'

/** Header and tabs of a template (UI-1002). */
export function TemplateLayout() {
  const name = useRouteParam('template')
  const named = useRouteParam('organization')
  const pathname = usePathname()
  const organizations = useQuery(organizationsQuery)
  const organization =
    named === '' ? (organizations.data?.find((one) => one.is_default) ?? organizations.data?.[0])?.id : named
  const question = useQuery({
    ...templateQuery(organization ?? '', name),
    enabled: organization !== undefined,
  })
  const template = question.data
  const permissions = usePermissions()
  const several = useSeveralOrganizations()
  const check = useQuery({
    queryKey: ['template-rights', template?.id],
    queryFn: async ({ signal }) => {
      const { canUpdateTemplate = false, canReadInsights = false } = await api.call(checkAuthorization, {
        body: {
          checks: {
            canUpdateTemplate: {
              action: 'update',
              object: { resource_type: 'template', resource_id: template?.id ?? '' },
            },
            canReadInsights: {
              action: 'view_insights',
              object: { resource_type: 'template', resource_id: template?.id ?? '' },
            },
          },
        },
        signal,
      })
      return { canUpdateTemplate, canReadInsights }
    },
    enabled: template !== undefined,
    staleTime: 60_000,
  })
  if (template === undefined) {
    const error = question.error ?? organizations.error
    if (error === null) return <PageSkeleton />
    return statusOf(error) === 404 ? (
      <EmptyState
        page
        icon={LayoutTemplate}
        title={`There is no template ${name}`}
        action={
          <AppLink href={paths.templates()} className={buttonClass({ tone: 'primary' })}>
            See all templates
          </AppLink>
        }
      >
        It may have been renamed or deleted, or you may not use it.
      </EmptyState>
    ) : (
      <ErrorPage
        title="The template could not be read"
        error={error}
        onRetry={() => void question.refetch()}
      />
    )
  }
  const to = (tab: 'docs' | 'parameters' | 'versions' | 'insights' | 'permissions' | 'settings') =>
    paths.template(template, several, tab)
  const mayUpdate = check.data?.canUpdateTemplate === true
  const mayReadInsights = check.data?.canReadInsights
  // Each tab under the form of the address that the viewer came with.
  const base = pathname.slice(0, pathname.indexOf(`/${encodeURIComponent(name)}`) + name.length + 1)
  const about =
    template.description !== '' || template.display_name === '' ? template.description : template.name
  const usual = template.build_time_stats.start?.P50 ?? 0
  const tabs: readonly TabLink[] = [
    { to: to('docs'), label: 'Docs', also: [base, `${base}/`, `${base}/docs`] },
    { to: to('parameters'), label: 'Parameters', also: [`${base}/parameters`] },
    { to: to('versions'), label: 'Versions', also: [`${base}/versions`] },
    ...(mayReadInsights === true
      ? [{ to: to('insights'), label: 'Insights', also: [`${base}/insights`] }]
      : []),
    ...(mayUpdate
      ? [
          { to: to('permissions'), label: 'Permissions', also: [`${base}/permissions`] },
          { to: to('settings'), label: 'Settings', also: [`${base}/settings`] },
        ]
      : []),
  ]
  const tab = tabOf(tabs, pathname)
  return (
    <TemplateContext value={{ template, mayUpdate, mayReadInsights }}>
      <Page>
        <PageHeader
          title={templateTitle(template)}
          documentTitle={`${tab === undefined || tab === tabs[0] ? '' : `${tab.label} - `}${templateTitle(template)} - Templates`}
          lead={
            <span className="inline-flex size-11 shrink-0 items-center justify-center rounded-card border border-line bg-surface">
              <ThingIcon src={template.icon} className="size-6" />
            </span>
          }
          context={
            <>
              {about === '' ? null : (
                <>
                  {about}
                  {/* A line may end with it, but not begin. */}
                  <span aria-hidden="true" className="text-ink-3">
                    {'\u00a0· '}
                  </span>
                </>
              )}
              <span className="text-ink-3">
                {template.active_user_count === 1 ? '1 user' : `${template.active_user_count} users`}
                {usual > 0 ? ` · starts in ${formatDuration(usual)}` : ''}
                {several ? ` · ${template.organization_display_name}` : ''}
              </span>
            </>
          }
          actions={
            permissions?.createWorkspace === true && !template.deprecated ? (
              <AppLink
                href={paths.template(template, several, 'workspace')}
                className={buttonClass({ tone: 'primary' })}
              >
                <Plus className="size-4" /> Create workspace
              </AppLink>
            ) : null
          }
        />
        <TabLinks label="Template" tabs={tabs} />
        {template.deprecated ? (
          <div className="mb-5">
            <Notice tone="warn" title="This template is no longer maintained">
              {template.deprecation_message}
            </Notice>
          </div>
        ) : null}
        <Outlet />
      </Page>
    </TemplateContext>
  )
}
