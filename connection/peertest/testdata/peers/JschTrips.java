import com.jcraft.jsch.*;
import java.io.*;
import java.nio.file.*;
import java.security.MessageDigest;
import java.util.*;

/**
 * Trips of a JSch client; see the Go type Trips.
 *
 * usage: JschTrips USER PASSWORD COMMAND INPUT TRIPS
 */
public class JschTrips {
	static final String[][] LISTS = {
		{"kex"}, {"cipher.c2s", "cipher.s2c"}, {"mac.c2s", "mac.s2c"}, {"server_host_key"}, {"compression.c2s", "compression.s2c"},
	};

	public static void main(String[] args) throws Exception {
		byte[] data = Files.readAllBytes(Path.of(args[3]));
		for (String line : Files.readAllLines(Path.of(args[4]))) {
			String[] fields = line.split("\t");
			String outcome;
			try {
				outcome = trip(args[0], args[1], args[2], data, fields);
			} catch (Exception err) {
				outcome = "error\t" + err.toString().replaceAll("[\n\t]", " ");
			}
			System.out.println(fields[0] + "\t" + outcome);
		}
		System.exit(0);
	}

	static String trip(String user, String password, String command, byte[] data, String[] fields) throws Exception {
		JSch jsch = new JSch();
		jsch.setHostKeyRepository(new Known(Arrays.asList(fields[7].split(","))));
		Session session = jsch.getSession(user, "127.0.0.1", Integer.parseInt(fields[1]));
		boolean byKey = !fields[8].equals("-");
		if (byKey)
			jsch.addIdentity(fields[8]);
		else
			session.setPassword(password);
		session.setConfig("PreferredAuthentications", byKey ? "publickey" : "password");
		session.setConfig("StrictHostKeyChecking", "yes");
		session.setTimeout(60000);
		for (int i = 0; i < LISTS.length; i++)
			for (String name : LISTS[i])
				if (!fields[2 + i].equals("-"))
					session.setConfig(name, fields[2 + i]);
		session.connect(60000);
		try {
			return exec(session, command, data);
		} finally {
			session.disconnect();
		}
	}

	static String exec(Session session, String command, byte[] data) throws Exception {
		ChannelExec channel = (ChannelExec) session.openChannel("exec");
		channel.setCommand(command);
		OutputStream out = channel.getOutputStream();
		InputStream in = channel.getInputStream();
		channel.connect(60000);
		out.write(data);
		out.close();
		MessageDigest digest = MessageDigest.getInstance("SHA-256");
		byte[] buf = new byte[32768];
		for (int n; (n = in.read(buf)) > 0;)
			digest.update(buf, 0, n);
		while (!channel.isClosed())
			Thread.sleep(1);
		return channel.getExitStatus() + "\t" + HexFormat.of().formatHex(digest.digest());
	}

	/** Trusts the keys of a list. */
	record Known(List<String> keys) implements HostKeyRepository {
		public int check(String host, byte[] key) {
			return keys.contains(Base64.getEncoder().encodeToString(key)) ? OK : NOT_INCLUDED;
		}

		public void add(HostKey key, UserInfo ui) {}

		public void remove(String host, String type) {}

		public void remove(String host, String type, byte[] key) {}

		public String getKnownHostsRepositoryID() { return "trips"; }

		public HostKey[] getHostKey() { return new HostKey[0]; }

		public HostKey[] getHostKey(String host, String type) { return new HostKey[0]; }
	}
}
