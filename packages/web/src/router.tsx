import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router'

import { aiSettingsRoutes } from './ai-providers/routes.ts'
import { aiSessionRoutes } from './ai-sessions/routes.ts'
import { chatRoutes, embeddedChatRoute } from './chats/routes.ts'
import { administrationRoutes } from './deployment/routes.ts'
import { ConnectionBanner } from './frame/connection-banner.tsx'
import { RouteError } from './frame/error-boundary.tsx'
import { healthRoutes } from './health/routes.ts'
import { mcpServerRoutes } from './mcp-servers/routes.ts'
import { parseSearch, stringifySearch } from './navigation/address.ts'
import { organizationRoutes } from './organizations/routes.ts'
import { LoginPage } from './session/login-page.tsx'
import { RequireAuth } from './session/require-auth.tsx'
import { taskRoutes } from './tasks/routes.ts'
import { PageSkeleton } from './ui/skeleton.tsx'
import { ToastRegion } from './ui/toast.tsx'

const root = createRootRoute({
  component: () => (
    <>
      <ConnectionBanner />
      <Outlet />
      <ToastRegion />
    </>
  ),
})

/** Pages without a session. */
const login = createRoute({ getParentRoute: () => root, path: '/login', component: LoginPage })
const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  component: lazyRouteComponent(() => import('./session/setup-page.tsx'), 'SetupPage'),
})
const deviceLogin = createRoute({
  getParentRoute: () => root,
  path: '/login/device',
  component: lazyRouteComponent(() => import('./session/device-login-page.tsx'), 'DeviceLoginPage'),
})
const resetPassword = createRoute({
  getParentRoute: () => root,
  path: '/reset-password',
  component: lazyRouteComponent(() => import('./session/reset-password-page.tsx'), 'ResetPasswordPage'),
})
const changePassword = createRoute({
  getParentRoute: () => root,
  path: '/reset-password/change',
  component: lazyRouteComponent(() => import('./session/change-password-page.tsx'), 'ChangePasswordPage'),
})

/** Everything else needs one (UI-201). */
const signedIn = createRoute({ getParentRoute: () => root, id: 'signed-in', component: RequireAuth })

const terminal = createRoute({
  getParentRoute: () => signedIn,
  path: '/@{$owner}/$workspace/terminal',
  component: lazyRouteComponent(() => import('./terminal/terminal-page.tsx'), 'TerminalPage'),
})
const cliAuth = createRoute({
  getParentRoute: () => signedIn,
  path: '/cli-auth',
  component: lazyRouteComponent(() => import('./account/cli-auth-page.tsx'), 'CliAuthPage'),
})
const externalAuth = createRoute({
  getParentRoute: () => signedIn,
  path: '/external-auth/$provider',
  component: lazyRouteComponent(() => import('./external-auth/connect-page.tsx'), 'ConnectPage'),
})

const welcome = createRoute({
  getParentRoute: () => signedIn,
  path: '/welcome',
  component: lazyRouteComponent(() => import('./ai-providers/welcome-page.tsx'), 'WelcomePage'),
})

const frame = createRoute({
  getParentRoute: () => signedIn,
  id: 'frame',
  // Whoever signs in does not wait for rail and palette (UI-1901).
  component: lazyRouteComponent(() => import('./frame/frame.tsx'), 'Frame'),
})
const home = createRoute({
  getParentRoute: () => frame,
  path: '/',
  beforeLoad: () => {
    throw redirect({ href: '/workspaces', replace: true })
  },
})
const workspaces = createRoute({
  getParentRoute: () => frame,
  path: '/workspaces',
  component: lazyRouteComponent(() => import('./workspaces/workspaces-page.tsx'), 'WorkspacesPage'),
})

const workspace = createRoute({
  getParentRoute: () => frame,
  path: '/@{$owner}/$workspace',
  component: lazyRouteComponent(() => import('./workspaces/workspace-layout.tsx'), 'WorkspaceLayout'),
})
const workspacePages = [
  createRoute({
    getParentRoute: () => workspace,
    path: '/',
    component: lazyRouteComponent(() => import('./workspaces/workspace-page.tsx'), 'WorkspacePage'),
  }),
  createRoute({
    getParentRoute: () => workspace,
    path: '/builds/$build',
    component: lazyRouteComponent(() => import('./workspaces/build-page.tsx'), 'BuildPage'),
  }),
  createRoute({
    getParentRoute: () => workspace,
    path: '/parameters',
    component: lazyRouteComponent(() => import('./workspaces/parameters-page.tsx'), 'ParametersPage'),
  }),
  createRoute({
    getParentRoute: () => workspace,
    path: '/schedule',
    component: lazyRouteComponent(() => import('./workspaces/schedule-page.tsx'), 'SchedulePage'),
  }),
  createRoute({
    getParentRoute: () => workspace,
    path: '/sharing',
    component: lazyRouteComponent(
      () => import('./sharing/workspace-sharing-page.tsx'),
      'WorkspaceSharingPage',
    ),
  }),
  createRoute({
    getParentRoute: () => workspace,
    path: '/settings',
    component: lazyRouteComponent(() => import('./workspaces/settings-page.tsx'), 'SettingsPage'),
  }),
]

/** The addresses that mails, editors and other clients know these pages by (UI-401, UI-713). */
const oldWorkspacePages = (['parameters', 'schedule', 'sharing'] as const).map((page) =>
  createRoute({
    getParentRoute: () => workspace,
    path: `/settings/${page}`,
    beforeLoad: ({ location }) => {
      const { pathname, searchStr, hash } = location
      const href = pathname.replace(/\/settings(\/[a-z]+)\/*$/, '$1') + searchStr
      throw redirect({ href: hash === '' ? href : `${href}#${hash}`, replace: true })
    },
  }),
)

const templates = createRoute({
  getParentRoute: () => frame,
  path: '/templates',
  component: lazyRouteComponent(() => import('./templates/templates-page.tsx'), 'TemplatesPage'),
})
const newTemplate = createRoute({
  getParentRoute: () => frame,
  path: '/templates/new',
  component: lazyRouteComponent(() => import('./templates/new-template-page.tsx'), 'NewTemplatePage'),
})
/** Each template page has two addresses, with and without the organization (UI-402). */
const templatePages = ['/templates/$template', '/templates/$organization/$template'].flatMap((path) => {
  const create = createRoute({
    getParentRoute: () => frame,
    path: `${path}/workspace`,
    component: lazyRouteComponent(
      () => import('./workspaces/create-workspace-page.tsx'),
      'CreateWorkspacePage',
    ),
  })
  const layout = createRoute({
    getParentRoute: () => frame,
    path,
    component: lazyRouteComponent(() => import('./templates/template-layout.tsx'), 'TemplateLayout'),
  })
  const docs = lazyRouteComponent(() => import('./templates/docs-page.tsx'), 'DocsPage')
  return [
    create,
    layout.addChildren([
      createRoute({ getParentRoute: () => layout, path: '/', component: docs }),
      createRoute({ getParentRoute: () => layout, path: '/docs', component: docs }),
      createRoute({
        getParentRoute: () => layout,
        path: '/parameters',
        component: lazyRouteComponent(
          () => import('./templates/parameters-page.tsx'),
          'TemplateParametersPage',
        ),
      }),
      createRoute({
        getParentRoute: () => layout,
        path: '/versions',
        component: lazyRouteComponent(() => import('./templates/versions-page.tsx'), 'VersionsPage'),
      }),
      createRoute({
        getParentRoute: () => layout,
        path: '/versions/$version',
        component: lazyRouteComponent(() => import('./templates/version-page.tsx'), 'VersionPage'),
      }),
      createRoute({
        getParentRoute: () => layout,
        path: '/insights',
        component: lazyRouteComponent(() => import('./insights/insights-page.tsx'), 'InsightsPage'),
      }),
      createRoute({
        getParentRoute: () => layout,
        path: '/permissions',
        component: lazyRouteComponent(
          () => import('./sharing/template-permissions-page.tsx'),
          'TemplatePermissionsPage',
        ),
      }),
      createRoute({
        getParentRoute: () => layout,
        path: '/settings',
        component: lazyRouteComponent(() => import('./templates/settings-page.tsx'), 'TemplateSettingsPage'),
      }),
    ]),
  ]
})

const settings = createRoute({
  getParentRoute: () => frame,
  path: '/settings',
  component: lazyRouteComponent(() => import('./account/settings-layout.tsx'), 'SettingsLayout'),
})
const settingsPages = [
  createRoute({
    getParentRoute: () => settings,
    path: '/',
    beforeLoad: () => {
      throw redirect({ href: '/settings/account', replace: true })
    },
  }),
  createRoute({
    getParentRoute: () => settings,
    path: '/account',
    component: lazyRouteComponent(() => import('./account/account-page.tsx'), 'AccountPage'),
  }),
  createRoute({
    getParentRoute: () => settings,
    path: '/security',
    component: lazyRouteComponent(() => import('./account/security-page.tsx'), 'SecurityPage'),
  }),
  createRoute({
    getParentRoute: () => settings,
    path: '/sessions',
    component: lazyRouteComponent(() => import('./account/sessions-page.tsx'), 'SessionsPage'),
  }),
  createRoute({
    getParentRoute: () => settings,
    path: '/ai',
    component: lazyRouteComponent(() => import('./ai-spend/own-usage-page.tsx'), 'OwnUsagePage'),
  }),
  createRoute({
    getParentRoute: () => settings,
    path: '/notifications',
    component: lazyRouteComponent(
      () => import('./notifications/preferences-page.tsx'),
      'NotificationPreferencesPage',
    ),
  }),
  createRoute({
    getParentRoute: () => settings,
    path: '/schedule',
    component: lazyRouteComponent(() => import('./account/schedule-page.tsx'), 'SchedulePage'),
  }),
  createRoute({
    getParentRoute: () => settings,
    path: '/external-auth',
    component: lazyRouteComponent(() => import('./external-auth/connections-page.tsx'), 'ConnectionsPage'),
  }),
  createRoute({
    getParentRoute: () => settings,
    path: '/oauth2-provider',
    component: lazyRouteComponent(
      () => import('./authorized-apps/authorized-apps-page.tsx'),
      'AuthorizedAppsPage',
    ),
  }),
  createRoute({
    getParentRoute: () => settings,
    path: '/mcp',
    component: lazyRouteComponent(() => import('./mcp-clients/mcp-page.tsx'), 'McpPage'),
  }),
  createRoute({
    getParentRoute: () => settings,
    path: '/secrets',
    component: lazyRouteComponent(() => import('./secrets/secrets-page.tsx'), 'SecretsPage'),
  }),
  createRoute({
    getParentRoute: () => settings,
    path: '/secrets/new',
    component: lazyRouteComponent(() => import('./secrets/new-secret-page.tsx'), 'NewSecretPage'),
  }),
  createRoute({
    getParentRoute: () => settings,
    path: '/secrets/import',
    component: lazyRouteComponent(() => import('./secrets/import-page.tsx'), 'ImportSecretsPage'),
  }),
  createRoute({
    getParentRoute: () => settings,
    path: '/secrets/$secret',
    component: lazyRouteComponent(() => import('./secrets/edit-secret-page.tsx'), 'EditSecretPage'),
  }),
  createRoute({
    getParentRoute: () => settings,
    path: '/appearance',
    component: lazyRouteComponent(() => import('./appearance/appearance-page.tsx'), 'AppearancePage'),
  }),
  createRoute({
    getParentRoute: () => settings,
    path: '/ssh-keys',
    component: lazyRouteComponent(() => import('./account/ssh-keys-page.tsx'), 'SshKeysPage'),
  }),
  createRoute({
    getParentRoute: () => settings,
    path: '/tokens',
    component: lazyRouteComponent(() => import('./account/tokens-page.tsx'), 'TokensPage'),
  }),
  createRoute({
    getParentRoute: () => settings,
    path: '/tokens/new',
    component: lazyRouteComponent(() => import('./account/new-token-page.tsx'), 'NewTokenPage'),
  }),
  createRoute({
    getParentRoute: () => settings,
    path: '/tokens/$token',
    component: lazyRouteComponent(() => import('./account/edit-token-page.tsx'), 'EditTokenPage'),
  }),
]
const notFound = lazyRouteComponent(() => import('./frame/not-found-page.tsx'), 'NotFoundPage')
const unknown = createRoute({ getParentRoute: () => frame, path: '$', component: notFound })

/** The page tree (UI-401). Pages load when they are first opened. */
export const router = createRouter({
  routeTree: root.addChildren([
    login,
    deviceLogin,
    resetPassword,
    changePassword,
    setup,
    embeddedChatRoute(root),
    signedIn.addChildren([
      terminal,
      cliAuth,
      externalAuth,
      welcome,
      frame.addChildren([
        home,
        workspaces,
        workspace.addChildren([...workspacePages, ...oldWorkspacePages]),
        templates,
        newTemplate,
        ...templatePages,
        ...administrationRoutes(frame),
        ...organizationRoutes(frame),
        ...healthRoutes(frame),
        ...mcpServerRoutes(frame),
        ...aiSettingsRoutes(frame),
        ...aiSessionRoutes(frame),
        ...chatRoutes(frame),
        ...taskRoutes(frame),
        settings.addChildren(settingsPages),
        unknown,
      ]),
    ]),
  ]),
  parseSearch,
  stringifySearch,
  scrollRestoration: true,
  defaultPendingComponent: PageSkeleton,
  defaultPendingMs: 150,
  defaultErrorComponent: RouteError,
  defaultNotFoundComponent: notFound,
})
