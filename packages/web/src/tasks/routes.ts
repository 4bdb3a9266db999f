import { type AnyRoute, createRoute, lazyRouteComponent } from '@tanstack/react-router'

/** The pages of tasks, below the frame (chapter 10 §12). */
export function taskRoutes(frame: AnyRoute): AnyRoute[] {
  return [
    createRoute({
      getParentRoute: () => frame,
      path: '/tasks',
      component: lazyRouteComponent(() => import('./tasks-page.tsx'), 'TasksPage'),
    }),
    createRoute({
      getParentRoute: () => frame,
      path: '/tasks/$user/$task',
      component: lazyRouteComponent(() => import('./task-page.tsx'), 'TaskPage'),
    }),
  ]
}
