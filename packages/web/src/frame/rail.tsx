import { useQuery } from '@tanstack/react-query'
import {
  ChevronsUpDown,
  Keyboard,
  LifeBuoy,
  LogOut,
  Monitor,
  Moon,
  PanelLeftClose,
  PanelLeftOpen,
  Search,
  Settings,
  Sun,
} from 'lucide-react'

import { appearanceQuery } from '../announcements/queries.ts'
import { useChangeLook } from '../appearance/use-look.ts'
import { AppLink, useGo, usePathname } from '../navigation/app-link.tsx'
import { Bell } from '../notifications/bell.tsx'
import { OrganizationSwitcher } from '../organizations/organization-switcher.tsx'
import { paths } from '../paths.ts'
import { buildInfoQuery } from '../session/queries.ts'
import { usePermissions, useUser } from '../session/session.tsx'
import { useSignOut } from '../session/use-sign-out.ts'
import { useTasksEntry } from '../tasks/enabled.ts'
import { type Theme, useTheme } from '../theme/theme.ts'
import { Avatar } from '../ui/avatar.tsx'
import { classNames } from '../ui/class-names.ts'
import { Logo } from '../ui/logo.tsx'
import { Menu } from '../ui/menu.tsx'
import { PRODUCT } from '../ui/product.ts'
import { useOnline } from './connection-banner.tsx'
import { COMMAND_KEY, Key } from './keys-dialog.tsx'
import { type NavigationItem, navigationItems } from './navigation.ts'

interface RailProps {
  readonly collapsed: boolean
  /** Missing in the sheet of narrow screens. */
  readonly onCollapse?: () => void
  readonly onSearch: () => void
  readonly onKeys: () => void
}

/** The main navigation: places on top, the viewer and the connection at the bottom. */
export function Rail({ collapsed, onCollapse, onSearch, onKeys }: RailProps) {
  const { main, admin } = navigationItems(usePermissions(), useTasksEntry())
  return (
    <nav aria-label="Main" className="flex h-full flex-col bg-bg">
      <div className={classNames('flex h-14 items-center', collapsed ? 'justify-center' : 'px-4')}>
        <AppLink
          href={paths.workspaces()}
          aria-label={PRODUCT}
          className="-m-1 flex min-w-0 items-center gap-2.5 rounded-control p-1 text-accent"
        >
          <Logo className="size-[22px]" />
          {collapsed ? null : (
            <span className="min-w-0 truncate text-[15px] font-semibold tracking-[-0.01em] text-ink">
              {PRODUCT}
            </span>
          )}
        </AppLink>
        {collapsed || onCollapse === undefined ? null : (
          <span className="ml-auto">
            <Bell side="right" />
          </span>
        )}
      </div>
      {collapsed ? (
        <div className="flex justify-center pb-2">
          <Bell side="right" />
        </div>
      ) : null}
      <OrganizationSwitcher collapsed={collapsed} />
      <div className="px-2 pb-3">
        <button
          type="button"
          onClick={onSearch}
          aria-label="Search"
          className={classNames(
            'flex h-8 w-full items-center rounded-control border border-line bg-surface text-sm text-ink-3 transition-colors duration-(--fast) hover:border-line-strong hover:text-ink-2 pointer-coarse:h-10',
            collapsed ? 'justify-center' : 'gap-2 px-2.5',
          )}
        >
          <Search className="size-4 shrink-0" strokeWidth={1.75} aria-hidden="true" />
          {collapsed ? null : (
            <>
              <span className="flex-1 text-left">Search</span>
              <span className="hidden gap-0.5 md:flex" aria-hidden="true">
                <Key>{COMMAND_KEY}</Key>
                <Key>K</Key>
              </span>
            </>
          )}
        </button>
      </div>
      <div className="flex min-h-0 flex-1 flex-col overflow-y-auto px-2">
        <Places items={main} collapsed={collapsed} />
        {admin.length === 0 ? null : (
          <>
            <div className="mx-2 my-3 border-t border-line" />
            {collapsed ? null : <div className="px-2.5 pb-1 text-xs font-medium text-ink-3">Admin</div>}
            <Places items={admin} collapsed={collapsed} />
          </>
        )}
      </div>
      <div className={classNames('flex flex-col gap-0.5 px-2 pb-2', collapsed && 'items-center')}>
        {onCollapse === undefined ? null : (
          <button
            type="button"
            onClick={onCollapse}
            aria-label={collapsed ? 'Widen the menu' : 'Collapse the menu'}
            title={collapsed ? 'Widen the menu' : undefined}
            className={classNames(ITEM, collapsed && 'w-10 justify-center px-0', 'text-ink-3')}
          >
            {collapsed ? (
              <PanelLeftOpen className={ICON} strokeWidth={1.75} />
            ) : (
              <PanelLeftClose className={ICON} strokeWidth={1.75} />
            )}
            {collapsed ? null : 'Collapse'}
          </button>
        )}
        <UserMenu collapsed={collapsed} onKeys={onKeys} />
      </div>
    </nav>
  )
}

const ICON = 'size-4 shrink-0'
const ITEM =
  'flex h-8 w-full items-center gap-2.5 rounded-control px-2.5 text-sm font-medium text-ink-2 transition-colors duration-(--fast) hover:bg-hover hover:text-ink pointer-coarse:h-11'

function Places({
  items,
  collapsed,
}: {
  readonly items: readonly NavigationItem[]
  readonly collapsed: boolean
}) {
  const pathname = usePathname()
  return (
    <ul className={classNames('flex flex-col gap-0.5', collapsed && 'items-center')}>
      {items.map(({ label, href, icon: Icon, matches, badge }) => {
        const current = matches(pathname)
        const waits = badge !== undefined && badge.count > 0
        return (
          <li key={href} className={collapsed ? undefined : 'w-full'}>
            <AppLink
              href={href}
              aria-current={current ? 'page' : undefined}
              {...(collapsed
                ? { title: label, 'aria-label': waits ? `${label}, ${badge.words}` : label }
                : {})}
              className={classNames(
                ITEM,
                collapsed && 'w-10 justify-center px-0',
                'aria-[current=page]:bg-accent-wash aria-[current=page]:text-ink',
              )}
            >
              <span className="relative">
                <Icon
                  className={classNames(ICON, current && 'text-accent')}
                  strokeWidth={1.75}
                  aria-hidden="true"
                />
                {collapsed && waits ? (
                  <span className="absolute -right-1 -top-1 size-2 rounded-full border border-bg bg-warn" />
                ) : null}
              </span>
              {collapsed ? null : label}
              {!collapsed && waits ? (
                <span
                  title={badge.words}
                  className="ml-auto rounded-full bg-warn-wash px-1.5 text-xs tabular-nums text-warn"
                >
                  {badge.count}
                  <span className="sr-only"> waiting for input</span>
                </span>
              ) : null}
            </AppLink>
          </li>
        )
      })}
    </ul>
  )
}

const THEMES: readonly { readonly id: Theme; readonly label: string; readonly icon: typeof Sun }[] = [
  { id: 'system', label: 'System theme', icon: Monitor },
  { id: 'light', label: 'Light', icon: Sun },
  { id: 'dark', label: 'Dark', icon: Moon },
]

function UserMenu({ collapsed, onKeys }: { readonly collapsed: boolean; readonly onKeys: () => void }) {
  const user = useUser()
  const go = useGo()
  const theme = useTheme()
  const changeLook = useChangeLook()
  const online = useOnline()
  const signOut = useSignOut()
  const version = useQuery(buildInfoQuery).data?.version
  const support = useQuery(appearanceQuery).data?.support_links
  return (
    <Menu
      label="Your account"
      side="top"
      align="start"
      header={
        <div className="px-2 py-1.5">
          <div className="truncate text-sm font-medium">{user.name === '' ? user.username : user.name}</div>
          <div className="truncate text-xs text-ink-2">{user.email}</div>
        </div>
      }
      groups={[
        [
          {
            id: 'settings',
            label: 'Settings',
            icon: Settings,
            onSelect: () => go(paths.settings('account')),
          },
          { id: 'keys', label: 'Keys', icon: Keyboard, onSelect: onKeys },
        ],
        THEMES.map(({ id, label, icon }) => ({
          id,
          label,
          icon,
          checked: theme === id,
          onSelect: () => changeLook({ theme: id }),
        })),
        (support ?? []).map(({ name, target }) => ({
          id: `support ${name}`,
          label: name,
          icon: LifeBuoy,
          onSelect: () => void window.open(target, '_blank', 'noopener,noreferrer'),
        })),
        [
          {
            id: 'sign-out',
            label: 'Sign out',
            icon: LogOut,
            ...(version === undefined ? {} : { hint: `Slipway ${version}` }),
            onSelect: signOut,
          },
        ],
      ]}
      trigger={
        <button
          type="button"
          aria-label={`Account of ${user.username}`}
          className={classNames(
            'flex h-11 items-center gap-2.5 rounded-control text-left text-sm transition-colors duration-(--fast) hover:bg-hover',
            collapsed ? 'w-10 justify-center' : 'w-full px-2',
          )}
        >
          <span className="relative">
            <Avatar name={user.username} url={user.avatar_url} className="size-7" />
            <span
              className={classNames(
                'absolute -bottom-0.5 -right-0.5 size-2.5 rounded-full border-2 border-bg',
                online ? 'bg-ok' : 'bg-warn',
              )}
            />
          </span>
          {collapsed ? null : (
            <>
              <span className="min-w-0 flex-1 leading-tight">
                <span className="block truncate font-medium">{user.username}</span>
                <span className="block truncate text-xs text-ink-3">
                  {online ? 'Connected' : 'Reconnecting'}
                </span>
              </span>
              <ChevronsUpDown className="size-3.5 shrink-0 text-ink-3" aria-hidden="true" />
            </>
          )}
        </button>
      }
    />
  )
}
