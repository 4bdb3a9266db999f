import { type AnyRoute, createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router'

/** The pages about the health of the deployment, below the frame (UI-401). */
export function healthRoutes(frame: AnyRoute): AnyRoute[] {
  return [
    createRoute({
      getParentRoute: () => frame,
      path: '/health',
      beforeLoad: () => {
        throw redirect({ href: '/health/access-url', replace: true })
      },
    }),
    createRoute({
      getParentRoute: () => frame,
      path: '/health/$section',
      component: lazyRouteComponent(() => import('./health-page.tsx'), 'HealthPage'),
    }),
  ]
}
