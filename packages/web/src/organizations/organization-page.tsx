import { Lock } from 'lucide-react'
import type { ReactNode } from 'react'

import { AppLink, usePathname } from '../navigation/app-link.tsx'
import { type OrganizationPage as PageName, paths } from '../paths.ts'
import { useUser } from '../session/session.tsx'
import { Breadcrumbs } from '../ui/breadcrumbs.tsx'
import { buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { TabLinks } from '../ui/tabs.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { openPages } from './first-page.ts'
import { useOrganization } from './organization-context.ts'
import { organizationTitle } from './organization-titles.ts'

const TABS: Readonly<Record<PageName, string>> = {
  members: 'Members',
  groups: 'Groups',
  roles: 'Roles',
  provisioners: 'Provisioners',
  'provisioner-jobs': 'Jobs',
  'idp-sync': 'IdP sync',
  'ai-spend': 'AI spend',
  'ai-limits': 'AI limits',
  settings: 'Settings',
}

/** What a viewer lacks who may not open a page: what it would let them do, and the name of the permission (UI-313). */
interface Lack {
  readonly what: string
  readonly permission: string
}

interface OrganizationPageProps {
  readonly page: PageName
  readonly actions?: ReactNode
  /** Given when the viewer may not see the page. */
  readonly lack?: Lack | undefined
  readonly children: ReactNode
}

/** Header and tabs of an organization around one of its pages (UI-1402). */
export function OrganizationPage({ page, actions, lack, children }: OrganizationPageProps) {
  const { organization, may } = useOrganization()
  const pathname = usePathname()
  const title = organizationTitle(organization)
  const about = organization.description === '' ? organization.name : organization.description
  return (
    <Page>
      <PageHeader
        title={title}
        documentTitle={`${TABS[page]} - ${title}`}
        lead={
          <span className="inline-flex size-11 shrink-0 items-center justify-center rounded-card border border-line bg-surface">
            <ThingIcon src={organization.icon} className="size-6" />
          </span>
        }
        context={<span className="line-clamp-2">{about}</span>}
        {...(lack === undefined ? { actions } : {})}
      />
      <TabLinks
        label="Organization"
        tabs={openPages(may).map((name) => {
          const to = paths.organizationPage(organization.name, name)
          return { to, label: TABS[name], ...(name === page ? { also: [pathname] } : {}) }
        })}
      />
      {lack === undefined ? children : <Lacking {...lack} />}
    </Page>
  )
}

/** One thing of an organization on a page of its own: where it lies, and its name. */
export function OrganizationThingPage({
  section,
  above = [],
  title,
  lead,
  badge,
  context,
  actions,
  width,
  lack,
  children,
}: {
  readonly section: 'groups' | 'roles'
  readonly above?: readonly { readonly label: string; readonly href: string }[]
  readonly title: string
  readonly lead?: ReactNode
  readonly badge?: ReactNode
  readonly context?: ReactNode
  readonly actions?: ReactNode
  readonly width?: 'narrow'
  readonly lack?: Lack | undefined
  readonly children: ReactNode
}) {
  const { organization } = useOrganization()
  return (
    <Page {...(width === undefined ? {} : { width })}>
      <div className="mb-3">
        <Breadcrumbs
          above={[
            { label: organizationTitle(organization), href: paths.organization(organization.name) },
            { label: TABS[section], href: paths.organizationPage(organization.name, section) },
            ...above,
          ]}
          here={title}
        />
      </div>
      <PageHeader
        title={title}
        documentTitle={[title, ...above.map(({ label }) => label).reverse(), TABS[section]].join(' - ')}
        lead={lead}
        badge={badge}
        context={context}
        actions={lack === undefined ? actions : undefined}
      />
      {lack === undefined ? children : <Lacking {...lack} />}
    </Page>
  )
}

function Lacking({ what, permission }: Lack) {
  const user = useUser()
  const { organization } = useOrganization()
  return (
    <EmptyState
      icon={Lock}
      title={`You may not ${what}`}
      action={
        <AppLink href={paths.workspaces()} className={buttonClass({})}>
          Go to workspaces
        </AppLink>
      }
    >
      You are signed in as {user.username}. What is missing is the permission <code>{permission}</code> in{' '}
      {organizationTitle(organization)}; an administrator of the organization can give it.
    </EmptyState>
  )
}
