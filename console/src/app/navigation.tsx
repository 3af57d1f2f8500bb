import { NavLink } from '@mantine/core';
import {
  IconCalendarEvent,
  IconDevices,
  IconKey,
  IconLayoutDashboard,
  IconListSearch,
  IconMessages,
  IconPlugConnected,
  IconSend,
  IconServer,
  IconWebhook,
} from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { texts } from '../texts/texts';
import { useApplication } from './application';

interface Entry {
  label: string;
  icon: ReactNode;
  /** Below /console. */
  path: string;
}

/** The screens of the chosen application, then those of the whole installation. A new screen is a line here. */
export function Navigation({ onChoose }: { onChoose: () => void }) {
  const application = useApplication();
  const here = application === null ? '' : `/apps/${encodeURIComponent(application)}`;
  const entries: Entry[] = [
    { label: texts.overview.title, icon: <IconLayoutDashboard size={18} />, path: here === '' ? '/' : here },
    ...(here === '' ? [] : ofApplication(here)),
    { label: texts.administration.clients, icon: <IconKey size={18} />, path: '/administration/clients' },
    { label: texts.administration.audit, icon: <IconListSearch size={18} />, path: '/administration/audit' },
    { label: texts.administration.system, icon: <IconServer size={18} />, path: '/administration/system' },
  ];
  return entries.map(({ label, icon, path }) => (
    <NavLink
      key={path}
      component={Link}
      to={path}
      // The overview's path begins the path of every other screen.
      activeOptions={{ exact: path === '/' || path === here }}
      label={label}
      leftSection={icon}
      onClick={onChoose}
    />
  ));
}

function ofApplication(here: string): Entry[] {
  return [
    { label: texts.send.title, icon: <IconSend size={18} />, path: `${here}/send` },
    { label: texts.messages.title, icon: <IconMessages size={18} />, path: `${here}/messages` },
    { label: texts.devices.title, icon: <IconDevices size={18} />, path: `${here}/devices` },
    { label: texts.campaigns.title, icon: <IconCalendarEvent size={18} />, path: `${here}/campaigns` },
    { label: texts.providers.title, icon: <IconPlugConnected size={18} />, path: `${here}/providers` },
    { label: texts.administration.webhooks, icon: <IconWebhook size={18} />, path: `${here}/webhooks` },
  ];
}
