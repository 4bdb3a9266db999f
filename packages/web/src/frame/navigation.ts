import { Boxes, LayoutTemplate, type LucideIcon, UsersRound } from 'lucide-react'

import { paths } from '../paths.ts'
import type { Permissions } from '../session/queries.ts'

/** One place of the main navigation. */
export interface NavigationItem {
  readonly label: string
  readonly href: string
  readonly icon: LucideIcon
  /** Whether a path belongs to this place. */
  readonly matches: (pathname: string) => boolean
}

/** The main places, and those for administrators that the viewer may open (UI-305, UI-306). */
export function navigationItems(permissions: Permissions | undefined): {
  readonly main: readonly NavigationItem[]
  readonly admin: readonly NavigationItem[]
} {
  return {
    main: [
      {
        label: 'Workspaces',
        href: paths.workspaces(),
        icon: Boxes,
        // Pages of one workspace belong here too, and so does making one.
        matches: (path) =>
          path.startsWith('/workspaces') ||
          path.startsWith('/@') ||
          /^\/templates\/.+\/workspace$/.test(path),
      },
      {
        label: 'Templates',
        href: paths.templates(),
        icon: LayoutTemplate,
        matches: (path) => path.startsWith('/templates') && !/^\/templates\/.+\/workspace$/.test(path),
      },
    ],
    admin:
      permissions?.viewAllUsers === true
        ? [
            {
              label: 'Users',
              href: paths.users(),
              icon: UsersRound,
              matches: (path) => path.startsWith('/deployment/users'),
            },
          ]
        : [],
  }
}
