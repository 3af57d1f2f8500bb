import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router';
import { sessionQuery } from '../api/session';
import { Failing, Loading } from '../parts/states';
import { calendarAddress, campaignAddress, campaignsAddress } from '../screens/campaigns/address';
import { deviceAddress, devicesAddress } from '../screens/devices/address';
import { messageAddress } from '../screens/message/address';
import { auditAddress, clientsAddress } from '../screens/administration/address';
import { messagesAddress } from '../screens/messages/address';
import { overviewAddress } from '../screens/overview/address';
import { SignIn } from '../screens/sign-in/sign-in';
import { NotFound } from './not-found';
import { safePath } from './safe-path';

/** Each screen is a chunk of its own. Filters and the page of a list stand in the address (`validateSearch`). */

const root = createRootRouteWithContext<{ queries: QueryClient }>()();

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: ({ to, problem }): { to?: string; problem?: string } => ({
    ...(typeof to === 'string' && { to }),
    ...(typeof problem === 'string' && { problem }),
  }),
  beforeLoad: async ({ context, search }) => {
    const session = await context.queries.fetchQuery(sessionQuery).catch(() => null);
    if (session) throw redirect({ href: safePath(search.to) });
  },
  component: SignIn,
});

const shell = createRoute({
  getParentRoute: () => root,
  id: 'shell',
  beforeLoad: async ({ context, location }) => {
    const session = await context.queries.ensureQueryData(sessionQuery);
    if (!session) throw redirect({ to: '/sign-in', search: { to: `/console${location.href}` } });
  },
  component: lazyRouteComponent(() => import('./shell'), 'Shell'),
});

const application = createRoute({ getParentRoute: () => shell, path: '/apps/$app' });

const overview = createRoute({
  getParentRoute: () => shell,
  path: '/',
  validateSearch: overviewAddress,
  component: lazyRouteComponent(() => import('../screens/overview/overview'), 'Overview'),
});

const applicationOverview = createRoute({
  getParentRoute: () => application,
  path: '/',
  validateSearch: overviewAddress,
  component: lazyRouteComponent(() => import('../screens/overview/overview'), 'ApplicationOverview'),
});

const send = createRoute({
  getParentRoute: () => application,
  path: '/send',
  component: lazyRouteComponent(() => import('../screens/send/send'), 'Send'),
});

const messages = createRoute({
  getParentRoute: () => application,
  path: '/messages',
  validateSearch: messagesAddress,
  component: lazyRouteComponent(() => import('../screens/messages/messages'), 'Messages'),
});

const message = createRoute({
  getParentRoute: () => application,
  path: '/messages/$message',
  validateSearch: messageAddress,
  component: lazyRouteComponent(() => import('../screens/message/message'), 'Message'),
});

const campaigns = createRoute({
  getParentRoute: () => application,
  path: '/campaigns',
  validateSearch: campaignsAddress,
  component: lazyRouteComponent(() => import('../screens/campaigns/campaigns'), 'Campaigns'),
});

const calendar = createRoute({
  getParentRoute: () => application,
  path: '/campaigns/calendar',
  validateSearch: calendarAddress,
  component: lazyRouteComponent(() => import('../screens/campaigns/calendar'), 'Calendar'),
});

const campaign = createRoute({
  getParentRoute: () => application,
  path: '/campaigns/$campaign',
  validateSearch: campaignAddress,
  component: lazyRouteComponent(() => import('../screens/campaigns/campaign'), 'Campaign'),
});

const newCampaign = createRoute({
  getParentRoute: () => application,
  path: '/campaigns/new',
  component: lazyRouteComponent(() => import('../screens/campaigns/editor/editor'), 'NewCampaign'),
});

const editCampaign = createRoute({
  getParentRoute: () => application,
  path: '/campaigns/$campaign/edit',
  component: lazyRouteComponent(() => import('../screens/campaigns/editor/editor'), 'EditCampaign'),
});

const devices = createRoute({
  getParentRoute: () => application,
  path: '/devices',
  validateSearch: devicesAddress,
  component: lazyRouteComponent(() => import('../screens/devices/devices'), 'Devices'),
});

const device = createRoute({
  getParentRoute: () => application,
  path: '/devices/$device',
  validateSearch: deviceAddress,
  component: lazyRouteComponent(() => import('../screens/devices/device'), 'Device'),
});

const user = createRoute({
  getParentRoute: () => application,
  path: '/users/$user',
  validateSearch: ({ after }): { after?: string } => (typeof after === 'string' ? { after } : {}),
  component: lazyRouteComponent(() => import('../screens/devices/user'), 'User'),
});

const providers = createRoute({
  getParentRoute: () => application,
  path: '/providers',
  component: lazyRouteComponent(() => import('../screens/providers/providers'), 'Providers'),
});

const webhooks = createRoute({
  getParentRoute: () => application,
  path: '/webhooks',
  component: lazyRouteComponent(() => import('../screens/administration/webhooks'), 'Webhooks'),
});

const clients = createRoute({
  getParentRoute: () => shell,
  path: '/administration/clients',
  validateSearch: clientsAddress,
  component: lazyRouteComponent(() => import('../screens/administration/clients'), 'Clients'),
});

const audit = createRoute({
  getParentRoute: () => shell,
  path: '/administration/audit',
  validateSearch: auditAddress,
  component: lazyRouteComponent(() => import('../screens/administration/audit'), 'Audit'),
});

const system = createRoute({
  getParentRoute: () => shell,
  path: '/administration/system',
  component: lazyRouteComponent(() => import('../screens/administration/system'), 'System'),
});

const routes = root.addChildren([
  signIn,
  shell.addChildren([
    overview,
    clients,
    audit,
    system,
    application.addChildren([
      applicationOverview,
      send,
      messages,
      message,
      devices,
      device,
      user,
      campaigns,
      calendar,
      campaign,
      newCampaign,
      editCampaign,
      providers,
      webhooks,
    ]),
  ]),
]);

export function makeRouter(queries: QueryClient) {
  return createRouter({
    routeTree: routes,
    basepath: '/console',
    context: { queries },
    defaultPreload: 'intent',
    scrollRestoration: true,
    defaultPendingComponent: Loading,
    defaultErrorComponent: ({ error, reset }) => <Failing error={error as Error} retry={reset} />,
    defaultNotFoundComponent: NotFound,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
