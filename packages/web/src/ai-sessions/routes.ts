import { type AnyRoute, createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router'

/** Sessions of the gateway, below the frame, also at the addresses that they had before (UI-401, UI-1301). */
export function aiSessionRoutes(frame: AnyRoute): AnyRoute[] {
  return [
    createRoute({
      getParentRoute: () => frame,
      path: '/ai-gateway/sessions',
      component: lazyRouteComponent(() => import('./sessions-page.tsx'), 'AiSessionsPage'),
    }),
    createRoute({
      getParentRoute: () => frame,
      path: '/ai-gateway/sessions/$session',
      component: lazyRouteComponent(() => import('./session-page.tsx'), 'AiSessionPage'),
    }),
    ...['/aibridge', '/aibridge/$', '/ai-gateway'].map((path) =>
      createRoute({
        getParentRoute: () => frame,
        path,
        beforeLoad: ({ location }) => {
          const below = location.pathname.replace(/^\/(aibridge|ai-gateway)\/*/, '')
          const href = `/ai-gateway/${below === '' ? 'sessions' : below}${location.searchStr}`
          throw redirect({ href, replace: true })
        },
      }),
    ),
  ]
}
