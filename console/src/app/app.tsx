import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { Failure } from '../api/failure';
import { makeRouter } from './router';
import { colours, styleNonce, theme } from './theme';

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // A refusal is final; a request without an answer is repeated.
      retry: (count, error) => count < 2 && (!(error instanceof Failure) || error.status === 0 || error.status >= 500),
      staleTime: 1_000,
    },
  },
});

const router = makeRouter(queries);

export function App() {
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={styleNonce} cssVariablesResolver={colours}>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  );
}
