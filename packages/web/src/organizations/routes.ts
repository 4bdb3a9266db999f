import { type AnyRoute, createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router'

/** The pages of organizations and of what lies in them, below the frame (UI-401). */
export function organizationRoutes(frame: AnyRoute): AnyRoute[] {
  const pages = [
    createRoute({
      getParentRoute: () => frame,
      path: '/organizations',
      component: lazyRouteComponent(() => import('./organizations-index.tsx'), 'OrganizationsIndex'),
    }),
    createRoute({
      getParentRoute: () => frame,
      path: '/organizations/new',
      component: lazyRouteComponent(() => import('./new-organization-page.tsx'), 'NewOrganizationPage'),
    }),
    createRoute({
      getParentRoute: () => frame,
      path: '/deployment/idp-org-sync',
      component: lazyRouteComponent(
        () => import('../idp-sync/organization-sync-page.tsx'),
        'OrganizationSyncPage',
      ),
    }),
    ...['/deployment/groups', '/deployment/groups/$'].map((path) =>
      createRoute({
        getParentRoute: () => frame,
        path,
        component: lazyRouteComponent(() => import('./organizations-index.tsx'), 'DeploymentGroups'),
      }),
    ),
    ...['/groups', '/groups/$'].map((path) =>
      createRoute({
        getParentRoute: () => frame,
        path,
        beforeLoad: ({ location }) => {
          throw redirect({ href: `/deployment${location.pathname}${location.searchStr}`, replace: true })
        },
      }),
    ),
  ]
  const organization = createRoute({
    getParentRoute: () => frame,
    path: '/organizations/$organization',
    component: lazyRouteComponent(() => import('./organization-layout.tsx'), 'OrganizationLayout'),
  })
  const pagesOfOrganization = [
    createRoute({
      getParentRoute: () => organization,
      path: '/',
      component: lazyRouteComponent(() => import('./members-page.tsx'), 'MembersPage'),
    }),
    createRoute({
      getParentRoute: () => organization,
      path: '/groups',
      component: lazyRouteComponent(() => import('../groups/groups-page.tsx'), 'GroupsPage'),
    }),
    createRoute({
      getParentRoute: () => organization,
      path: '/groups/create',
      component: lazyRouteComponent(() => import('../groups/new-group-page.tsx'), 'NewGroupPage'),
    }),
    createRoute({
      getParentRoute: () => organization,
      path: '/groups/$group',
      component: lazyRouteComponent(() => import('../groups/group-page.tsx'), 'GroupPage'),
    }),
    createRoute({
      getParentRoute: () => organization,
      path: '/groups/$group/settings',
      component: lazyRouteComponent(() => import('../groups/group-settings-page.tsx'), 'GroupSettingsPage'),
    }),
    createRoute({
      getParentRoute: () => organization,
      path: '/groups/$group/ai',
      component: lazyRouteComponent(() => import('../ai-spend/group-ai-page.tsx'), 'GroupAiPage'),
    }),
    createRoute({
      getParentRoute: () => organization,
      path: '/ai-spend',
      component: lazyRouteComponent(() => import('../ai-spend/spend-page.tsx'), 'SpendPage'),
    }),
    createRoute({
      getParentRoute: () => organization,
      path: '/ai-limits',
      component: lazyRouteComponent(() => import('../ai-spend/limits-page.tsx'), 'LimitsPage'),
    }),
    createRoute({
      getParentRoute: () => organization,
      path: '/roles',
      component: lazyRouteComponent(() => import('../roles/roles-page.tsx'), 'RolesPage'),
    }),
    createRoute({
      getParentRoute: () => organization,
      path: '/roles/create',
      component: lazyRouteComponent(() => import('../roles/role-page.tsx'), 'NewRolePage'),
    }),
    createRoute({
      getParentRoute: () => organization,
      path: '/roles/$role',
      component: lazyRouteComponent(() => import('../roles/role-page.tsx'), 'RolePage'),
    }),
    createRoute({
      getParentRoute: () => organization,
      path: '/provisioners',
      component: lazyRouteComponent(() => import('../provisioners/daemons-page.tsx'), 'DaemonsPage'),
    }),
    createRoute({
      getParentRoute: () => organization,
      path: '/provisioner-jobs',
      component: lazyRouteComponent(() => import('../provisioners/jobs-page.tsx'), 'JobsPage'),
    }),
    createRoute({
      getParentRoute: () => organization,
      path: '/idp-sync',
      component: lazyRouteComponent(() => import('../idp-sync/idp-sync-page.tsx'), 'IdpSyncPage'),
    }),
    createRoute({
      getParentRoute: () => organization,
      path: '/settings',
      component: lazyRouteComponent(() => import('./settings-page.tsx'), 'OrganizationSettingsPage'),
    }),
  ]

  return [...pages, organization.addChildren(pagesOfOrganization)]
}
