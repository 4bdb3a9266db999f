import { Outlet } from '@tanstack/react-router'

import { usePathname } from '../navigation/app-link.tsx'
import { useOAuth2Shown } from '../oauth2-apps/use-oauth2-shown.ts'
import { paths } from '../paths.ts'
import { useUser } from '../session/session.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { linkOf, SideNav, type SideNavGroup, type SideNavLink } from '../ui/side-nav.tsx'

const groupsOf = (oauth2: boolean): readonly SideNavGroup[] => [
  {
    title: 'You',
    links: [
      { to: paths.settings('account'), label: 'Account' },
      { to: paths.settings('security'), label: 'Security' },
      { to: paths.settings('sessions'), label: 'Sessions' },
      { to: paths.settings('ai'), label: 'AI usage' },
    ],
  },
  {
    title: 'Access',
    links: [
      { to: paths.settings('tokens'), label: 'Tokens' },
      { to: paths.settings('ssh-keys'), label: 'SSH key' },
      { to: paths.settings('external-auth'), label: 'External auth' },
      ...(oauth2 ? [{ to: paths.settings('oauth2-provider'), label: 'Authorized apps' }] : []),
      { to: paths.settings('mcp'), label: 'MCP' },
      { to: paths.settings('secrets'), label: 'Secrets' },
    ],
  },
  {
    title: 'Preferences',
    links: [
      { to: paths.settings('appearance'), label: 'Appearance' },
      { to: paths.settings('notifications'), label: 'Notifications' },
      { to: paths.settings('schedule'), label: 'Schedule' },
    ],
  },
]

/** Pages below those of the column that make something; the others there change it. */
const MAKING: ReadonlyMap<string, string> = new Map([
  [paths.settings('tokens/new'), 'New token'],
  [paths.newSecret(), 'New secret'],
  [paths.importSecrets(), 'Import secrets'],
])

/** What the browser's tab says: the page, and what it lies in (UI-406). */
function titleOf(page: SideNavLink | undefined, pathname: string): string {
  if (page === undefined) return 'Settings'
  const at = pathname.replace(/\/+$/, '')
  const thing = page.to === paths.settings('tokens') ? 'token' : 'secret'
  const below = at === page.to ? '' : `${MAKING.get(at) ?? `Edit ${thing}`} - `
  return `${below}${page.label} - Settings`
}

/** The viewer's own settings. */
export function SettingsLayout() {
  const user = useUser()
  const groups = groupsOf(useOAuth2Shown())
  const pathname = usePathname()
  const page = linkOf(
    groups.flatMap(({ links }) => links),
    pathname,
  )
  return (
    <Page>
      <div className="max-w-[992px]">
        <PageHeader
          title="Settings"
          documentTitle={titleOf(page, pathname)}
          context={`${user.username} · ${user.email}`}
        />
        <div className="lg:flex lg:gap-8">
          <SideNav label="Settings" groups={groups} />
          <div className="min-w-0 flex-1">
            <Outlet />
          </div>
        </div>
      </div>
    </Page>
  )
}
