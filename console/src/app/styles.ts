// The order decides: Mantine's own styles first.
import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './page.css';
