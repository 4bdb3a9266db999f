import './theme/index.css'

import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'

import { queries } from './api/client.ts'
import { GlobalBoundary } from './frame/error-boundary.tsx'
import { router } from './router.tsx'
import { trustOwnScripts } from './trusted-types.ts'

trustOwnScripts()

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no #root')
createRoot(root).render(
  <StrictMode>
    <GlobalBoundary>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </GlobalBoundary>
  </StrictMode>,
)
