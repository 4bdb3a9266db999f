import { useQuery } from '@tanstack/react-query'
import { Building2, ChevronsUpDown, Plus } from 'lucide-react'
import { useState } from 'react'

import { useGo, usePathname } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { organizationsQuery } from '../session/queries.ts'
import { usePermissions } from '../session/session.tsx'
import { classNames } from '../ui/class-names.ts'
import { Menu } from '../ui/menu.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { openPages, pageOfPath } from './first-page.ts'
import { organizationTitle, titlesOf } from './organization-titles.ts'
import { organizationPermissionsQuery } from './queries.ts'

/**
 * Which organization's pages show, and the way to those of another: the same page of it where there is one. Only for
 * viewers with several.
 */
export function OrganizationSwitcher({ collapsed }: { readonly collapsed: boolean }) {
  const go = useGo()
  const pathname = usePathname()
  const mayCreate = usePermissions()?.createOrganization === true
  const here = pageOfPath(pathname)
  const [opened, setOpened] = useState(false)
  const organizations = useQuery(organizationsQuery).data ?? []
  const several = organizations.length > 1
  const { data: permissions } = useQuery({
    ...organizationPermissionsQuery(organizations.map(({ id }) => id)),
    // Nothing is asked that is not about to be needed (UI-5).
    enabled: several && (opened || here !== undefined),
  })
  if (!several) return null
  const segment = decodeURIComponent(pathname.split('/')[2] ?? '')
  const current =
    here === undefined ? undefined : organizations.find(({ id, name }) => name === segment || id === segment)
  const titles = titlesOf(organizations)
  return (
    <div className={classNames('px-2 pb-2', collapsed && 'flex justify-center')}>
      <Menu
        label="Organizations"
        align="start"
        onOpenChange={(open) => (open ? setOpened(true) : undefined)}
        groups={[
          organizations.map((organization) => {
            const may = permissions?.get(organization.id)
            const open = may === undefined ? [] : openPages(may)
            const page = here !== undefined && open.includes(here) ? here : open[0]
            return {
              id: organization.id,
              label: titles.get(organization.id) ?? organization.name,
              checked: organization.id === current?.id,
              onSelect: () => go(paths.organizationPage(organization.name, page ?? 'members')),
            }
          }),
          mayCreate
            ? [
                {
                  id: 'new',
                  label: 'New organization',
                  icon: Plus,
                  onSelect: () => go(paths.newOrganization()),
                },
              ]
            : [],
        ]}
        trigger={
          <button
            type="button"
            aria-label={
              current === undefined ? 'Organizations' : `Organization ${organizationTitle(current)}`
            }
            title={collapsed ? 'Organizations' : undefined}
            className={classNames(
              'flex h-9 items-center gap-2.5 rounded-control text-left text-sm transition-colors duration-(--fast) hover:bg-hover pointer-coarse:h-11',
              collapsed ? 'w-10 justify-center' : 'w-full px-2',
            )}
          >
            <span className="inline-flex size-6 shrink-0 items-center justify-center rounded-sm border border-line bg-surface">
              {current === undefined || current.icon === '' ? (
                <Building2 className="size-3.5 text-ink-3" strokeWidth={1.75} aria-hidden="true" />
              ) : (
                <ThingIcon src={current.icon} className="size-4" />
              )}
            </span>
            {collapsed ? null : (
              <>
                <span className="min-w-0 flex-1 truncate font-medium">
                  {current === undefined
                    ? `${organizations.length} organizations`
                    : organizationTitle(current)}
                </span>
                <ChevronsUpDown className="size-3.5 shrink-0 text-ink-3" aria-hidden="true" />
              </>
            )}
          </button>
        }
      />
    </div>
  )
}
