import {
  Bot,
  Boxes,
  Building2,
  Cable,
  HeartPulse,
  LayoutTemplate,
  type LucideIcon,
  MessagesSquare,
  ScrollText,
  Server,
  Sparkles,
  UsersRound,
  Waypoints,
} from 'lucide-react'

import { maySeeAiSettings } from '../ai-providers/may-manage.ts'
import { paths } from '../paths.ts'
import type { Permissions } from '../session/queries.ts'

/** One place of the main navigation. */
export interface NavigationItem {
  readonly label: string
  readonly href: string
  readonly icon: LucideIcon
  /** Whether a path belongs to this place. */
  readonly matches: (pathname: string) => boolean
  /** How many things there wait for the viewer, in words: "2 wait for you". */
  readonly badge?: { readonly count: number; readonly words: string }
}

/** What the navigation has to know of tasks. */
export interface TasksEntry {
  readonly offered: boolean
  /** The viewer's own that wait for an answer. */
  readonly waiting: number
}

const DEPLOYMENT_PAGE =
  /^\/deployment\/(overview|security|observability|network|userauth|external-auth|appearance|notifications|oauth2-provider|access)(\/|$)/

/** The main places, and those for administrators that the viewer may open (UI-305, UI-306). */
export function navigationItems(
  permissions: Permissions | undefined,
  tasks: TasksEntry,
): {
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
      ...(tasks.offered
        ? [
            {
              label: 'Tasks',
              href: paths.tasks(),
              icon: Bot,
              matches: (path: string) => path.startsWith('/tasks'),
              badge: { count: tasks.waiting, words: `${tasks.waiting} waiting for input` },
            },
          ]
        : []),
      ...(permissions?.createChat === true
        ? [
            {
              label: 'Agents',
              href: paths.agents(),
              icon: MessagesSquare,
              matches: (path: string) => path.startsWith('/agents'),
            },
          ]
        : []),
    ],
    admin: [
      ...(permissions !== undefined &&
      (permissions.editAnyGroups ||
        permissions.assignAnyRoles ||
        permissions.viewAnyIdpSyncSettings ||
        permissions.editAnySettings)
        ? [
            {
              label: 'Organizations',
              href: paths.organizations(),
              icon: Building2,
              matches: (path: string) =>
                path.startsWith('/organizations') || path.startsWith('/deployment/idp-org-sync'),
            },
          ]
        : []),
      ...(permissions?.viewAllUsers === true
        ? [
            {
              label: 'Users',
              href: paths.users(),
              icon: UsersRound,
              matches: (path: string) => path.startsWith('/deployment/users'),
            },
          ]
        : []),
      ...(permissions !== undefined && maySeeAiSettings(permissions)
        ? [
            {
              label: 'AI',
              href: paths.aiSettings(),
              icon: Sparkles,
              matches: (path: string) => path.startsWith('/ai/settings'),
            },
          ]
        : []),
      ...(permissions?.viewAnyAIBridgeInterception === true
        ? [
            {
              label: 'AI sessions',
              href: paths.aiSessions(),
              icon: Waypoints,
              matches: (path: string) => path.startsWith('/ai-gateway/sessions'),
            },
          ]
        : []),
      ...(permissions?.viewAnyAuditLog === true
        ? [
            {
              label: 'Audit log',
              href: paths.auditLog(),
              icon: ScrollText,
              matches: (path: string) => path === '/audit',
            },
          ]
        : []),
      ...(permissions?.viewAnyConnectionLog === true
        ? [
            {
              label: 'Connection log',
              href: paths.connectionLog(),
              icon: Cable,
              matches: (path: string) => path === '/connectionlog',
            },
          ]
        : []),
      ...(permissions?.viewDebugInfo === true
        ? [
            {
              label: 'Health',
              href: paths.health(),
              icon: HeartPulse,
              matches: (path: string) => path.startsWith('/health'),
            },
          ]
        : []),
      ...(permissions?.viewDeploymentConfig === true
        ? [
            {
              label: 'Deployment',
              href: paths.deployment('overview'),
              icon: Server,
              matches: (path: string) => DEPLOYMENT_PAGE.test(path),
            },
          ]
        : []),
    ],
  }
}
