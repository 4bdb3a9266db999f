import { type AnyRoute, createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router'

const OPTION_PAGES = [
  ['overview', 'OverviewPage'],
  ['security', 'SecurityOptionsPage'],
  ['observability', 'ObservabilityPage'],
  ['network', 'NetworkPage'],
  ['userauth', 'UserAuthPage'],
  ['external-auth', 'ExternalAuthOptionsPage'],
] as const

/** The pages about the deployment, its users and its logs, below the frame (UI-401). */
export function administrationRoutes(frame: AnyRoute): AnyRoute[] {
  const deployment = createRoute({
    getParentRoute: () => frame,
    id: 'deployment-pages',
    component: lazyRouteComponent(() => import('./deployment-layout.tsx'), 'DeploymentLayout'),
  })
  return [
    createRoute({
      getParentRoute: () => frame,
      path: '/deployment/users',
      component: lazyRouteComponent(() => import('../users/users-page.tsx'), 'UsersPage'),
    }),
    createRoute({
      getParentRoute: () => frame,
      path: '/deployment/users/create',
      component: lazyRouteComponent(() => import('../users/create-user-page.tsx'), 'CreateUserPage'),
    }),
    createRoute({
      getParentRoute: () => frame,
      path: '/deployment/users/$user',
      component: lazyRouteComponent(() => import('../users/user-page.tsx'), 'UserPage'),
    }),
    ...['/users', '/users/create', '/users/$user'].map((path) =>
      createRoute({
        getParentRoute: () => frame,
        path,
        beforeLoad: ({ location }) => {
          throw redirect({ href: `/deployment${location.pathname}${location.searchStr}`, replace: true })
        },
      }),
    ),
    deployment.addChildren([
      ...OPTION_PAGES.map(([path, page]) =>
        createRoute({
          getParentRoute: () => deployment,
          path: `/deployment/${path}`,
          component: lazyRouteComponent(() => import('./option-pages.tsx'), page),
        }),
      ),
      createRoute({
        getParentRoute: () => deployment,
        path: '/deployment/access',
        component: lazyRouteComponent(() => import('./access-page.tsx'), 'AccessPage'),
      }),
      createRoute({
        getParentRoute: () => deployment,
        path: '/deployment/appearance',
        component: lazyRouteComponent(
          () => import('../announcements/appearance-page.tsx'),
          'DeploymentAppearancePage',
        ),
      }),
      createRoute({
        getParentRoute: () => deployment,
        path: '/deployment/notifications',
        component: lazyRouteComponent(
          () => import('../notifications/deployment-page.tsx'),
          'DeploymentNotificationsPage',
        ),
      }),
      createRoute({
        getParentRoute: () => deployment,
        path: '/deployment/oauth2-provider/apps',
        component: lazyRouteComponent(() => import('../oauth2-apps/apps-page.tsx'), 'OAuth2AppsPage'),
      }),
    ]),
    createRoute({
      getParentRoute: () => frame,
      path: '/deployment/oauth2-provider/apps/add',
      component: lazyRouteComponent(() => import('../oauth2-apps/new-app-page.tsx'), 'NewOAuth2AppPage'),
    }),
    createRoute({
      getParentRoute: () => frame,
      path: '/deployment/oauth2-provider/apps/$app',
      component: lazyRouteComponent(() => import('../oauth2-apps/app-page.tsx'), 'OAuth2AppPage'),
    }),
    ...['/deployment', '/deployment/general'].map((path) =>
      createRoute({
        getParentRoute: () => frame,
        path,
        beforeLoad: () => {
          throw redirect({ href: '/deployment/overview', replace: true })
        },
      }),
    ),
    createRoute({
      getParentRoute: () => frame,
      path: '/deployment/userauth/providers/new',
      component: lazyRouteComponent(
        () => import('../identity-providers/new-provider-page.tsx'),
        'NewProviderPage',
      ),
    }),
    createRoute({
      getParentRoute: () => frame,
      path: '/deployment/userauth/providers/$provider',
      component: lazyRouteComponent(() => import('../identity-providers/provider-page.tsx'), 'ProviderPage'),
    }),
    createRoute({
      getParentRoute: () => frame,
      path: '/deployment/userauth/providers/$provider/test/$test',
      component: lazyRouteComponent(() => import('../identity-providers/test-page.tsx'), 'ProviderTestPage'),
    }),
    createRoute({
      getParentRoute: () => frame,
      path: '/audit',
      component: lazyRouteComponent(() => import('../audit/audit-page.tsx'), 'AuditPage'),
    }),
    createRoute({
      getParentRoute: () => frame,
      path: '/connectionlog',
      component: lazyRouteComponent(
        () => import('../connection-log/connection-log-page.tsx'),
        'ConnectionLogPage',
      ),
    }),
  ]
}
