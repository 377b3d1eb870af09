"""The program: kernel specifications, buffers, calls, and where everything lies in memory."""
